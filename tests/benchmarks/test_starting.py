"""The benchmarks, which no test runs to their end, at least find all that they are made of."""

import importlib
import pkgutil

import pytest

import benchmarks

NAMES = sorted(module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks."))


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_started(name):
    assert importlib.import_module(name).__doc__
