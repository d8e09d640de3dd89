"""Figures of agreement, worked by hand."""

import numpy as np
import pytest

from grice_core.detector.figures import Verdicts, bin_numbers, interval

ONE_EACH = np.ones((1, 4))
#           truth               probability
EXAMPLE = Verdicts(
    np.array([True, False, True, False]),
    np.array([0.9, 0.8, 0.4, 0.1]),
    np.array([True, True, False, False]),
)


def test_precision_recall_and_f1() -> None:
    assert EXAMPLE.precision(ONE_EACH).tolist() == [0.5]
    assert EXAMPLE.recall(ONE_EACH).tolist() == [0.5]
    assert EXAMPLE.f1(ONE_EACH).tolist() == [0.5]


def test_auroc_counts_pairs_in_the_right_order() -> None:
    """Of the four pairs of a violated and another text, only 0.4 against 0.8 is wrong."""
    assert EXAMPLE.auroc(ONE_EACH).tolist() == [0.75]


def test_ties_count_half() -> None:
    verdicts = Verdicts(np.array([True, False]), np.array([0.5, 0.5]), np.array([False, False]))
    assert verdicts.auroc(np.ones((1, 2))).tolist() == [0.5]


def test_a_weight_is_a_repetition() -> None:
    weights = np.array([[2.0, 0.0, 1.0, 3.0]])
    rows = np.array([0, 0, 2, 3, 3, 3])
    repeated = Verdicts(EXAMPLE.truth[rows], EXAMPLE.probabilities[rows], EXAMPLE.violated[rows])
    for name in ("precision", "recall", "f1", "auroc", "ece"):
        weighted = getattr(EXAMPLE, name)(weights)
        np.testing.assert_allclose(weighted, getattr(repeated, name)(np.ones((1, 6))), atol=1e-12)


def test_figures_without_a_denominator() -> None:
    nothing = np.zeros(4, dtype=np.bool_)
    verdicts = Verdicts(nothing, EXAMPLE.probabilities, nothing)
    assert verdicts.precision(ONE_EACH).tolist() == [0.0]
    assert verdicts.recall(ONE_EACH).tolist() == [0.0]
    assert np.isnan(verdicts.auroc(ONE_EACH)).all()


def test_ece_is_the_mean_gap_of_the_bins() -> None:
    """Two texts in the bin [0.8, 0.9) with mean 0.85 and one violated; one at 0.1, not violated."""
    verdicts = Verdicts(
        np.array([True, False, False]), np.array([0.82, 0.88, 0.1]), np.array([True, True, False])
    )
    expected = (2 * abs(0.85 - 0.5) + 1 * 0.1) / 3
    assert verdicts.ece(np.ones((1, 3)))[0] == pytest.approx(expected)


def test_the_last_bin_holds_certainty_too() -> None:
    assert bin_numbers(np.array([0.0, 0.1, 0.999, 1.0])).tolist() == [0, 1, 9, 9]


def test_whole_groups_are_resampled() -> None:
    """With one group every resample is the same, however many texts it has."""
    low, high = interval(EXAMPLE.f1, ["dialogue"] * 4, seed=0)
    assert (low, high) == (0.5, 0.5)


def test_an_interval_narrows_with_the_number_of_groups() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.5
    verdicts = Verdicts(truth, rng.random(2000), rng.random(2000) < 0.5)
    widths = []
    for num_groups in (20, 2000):
        low, high = interval(verdicts.precision, [str(i % num_groups) for i in range(2000)], seed=0)
        assert low < truth.mean() < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1000), rel=0.15)
