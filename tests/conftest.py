"""What makes all tests fast, and independent of how fast: files in order, garbage, time limits."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from grice_core.loading import begin_loading, end_loading

begin_loading()
# What two runs compute is compared; what is kept between runs has tests of its own.
os.environ["GRICE_KEPT_MIB"] = "0"
# How long one example takes says how busy the machine is; `benchmarks/` measure speed.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

_ROOT = Path(__file__).parent
_LONGEST = (
    "worker",
    "app/server",
    "pipeline",
    "demo",
    "models",
    "benchmarks",
    "cli",
    "app/test_image.py",
    "dpo/distributed",
    "dpo/checkpointing",
)
"""Longest first, so that no process is left alone with one at the end; measured with `--durations`."""


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(_ROOT).as_posix()
    found = (place for place, name in enumerate(_LONGEST) if path.startswith(name))
    return next(found, len(_LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def pytest_collection_finish() -> None:
    end_loading()  # by now every test file is imported, and all that they import
