"""Boundaries that one may look at after each label, held against published values and by simulation."""

import math

import numpy as np
import pytest

from grice_core.evaluation.confidence_sequence import (
    TIGHTEST_AT,
    mixture_width,
    normal_mixture,
    sequence_quantile,
)
from grice_core.evaluation.intervals import NORMAL


def test_the_boundary_is_the_one_of_the_reference_implementation():
    """Values that the authors' package `confseq` is tested with (`uniform_boundaries_unittest.cpp`)."""
    assert mixture_width(100) == pytest.approx(12.60056, abs=1e-5)
    assert normal_mixture(100, 100) == pytest.approx(30.35209, abs=1e-5)


def test_it_is_tightest_where_it_was_meant_to_be_and_always_wider_than_one_look_needs():
    quantiles = {num: sequence_quantile(num) for num in range(10, 1000)}
    assert min(quantiles, key=lambda num: quantiles[num]) == pytest.approx(TIGHTEST_AT, rel=0.1)
    assert min(quantiles.values()) > NORMAL


def test_random_walks_cross_it_in_at_most_5_of_100_cases():
    steps = np.random.default_rng(0).normal(size=(2000, 400))
    walks = steps.cumsum(axis=1)
    looks = np.arange(1, 401)
    bound = np.array([normal_mixture(num, TIGHTEST_AT) for num in looks.tolist()])
    crossed = (np.abs(walks) > bound).any(axis=1).mean()
    assert 0.01 < crossed <= 0.05
    assert (np.abs(walks) > NORMAL * np.sqrt(looks)).any(axis=1).mean() > 0.3  # what peeking does


def test_the_quantile_is_the_boundary_per_square_root():
    assert sequence_quantile(64) == pytest.approx(normal_mixture(64, TIGHTEST_AT) / math.sqrt(64))
