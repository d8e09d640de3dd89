"""Where a probability becomes a verdict."""

import numpy as np
import pytest

from grice_core.detector.thresholds import (
    best_f1_threshold,
    best_f1_thresholds,
    precision_threshold,
)

PROBABILITIES = np.array([0.2, 0.6, 0.8, 0.9])
TRUTH = np.array([False, True, False, True])


def test_the_threshold_of_best_f1_lies_between_two_probabilities() -> None:
    assert best_f1_threshold(np.array([0.2, 0.6, 0.8]), np.array([False, True, True])) == 0.4
    # Above 0.4: precision 2/3, recall 1, F1 0.8; above 0.85: 1, 1/2, F1 2/3.
    assert best_f1_threshold(PROBABILITIES, TRUTH) == pytest.approx(0.4)


def test_each_maxim_has_a_threshold_of_its_own() -> None:
    probabilities = np.column_stack(
        [PROBABILITIES, PROBABILITIES / 2, PROBABILITIES, PROBABILITIES]
    )
    labels = np.column_stack([TRUTH, TRUTH, ~TRUTH, TRUTH]).astype(np.float64)
    # Of the third maxim 0.2 and 0.8 are violations: above 0.1, precision 1/2, recall 1, F1 2/3.
    assert best_f1_thresholds(probabilities, labels) == pytest.approx([0.4, 0.2, 0.1, 0.4])


@pytest.mark.parametrize(("wanted", "expected"), [(0.9, 0.85), (0.6, 0.4), (0.5, 0.1)])
def test_the_lowest_threshold_with_the_wanted_precision(wanted: float, expected: float) -> None:
    assert precision_threshold(PROBABILITIES, TRUTH, wanted) == pytest.approx(expected)


def test_a_precision_out_of_reach_gives_none() -> None:
    assert precision_threshold(np.array([0.2, 0.9]), np.array([True, False]), 0.9) is None


def test_equal_probabilities_share_a_verdict() -> None:
    probabilities, truth = np.array([0.5, 0.5, 0.5]), np.array([True, False, True])
    assert best_f1_threshold(probabilities, truth) == 0.25


def test_certain_probabilities_still_give_a_threshold_between_0_and_1() -> None:
    assert 0 < best_f1_threshold(np.zeros(3), np.array([True, False, True])) < 1
