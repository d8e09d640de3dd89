"""Histograms of data margins follow a mask exactly."""

import numpy as np
import pytest

from grice_core.data.histograms import MarginBins


def test_bins_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    margins = np.concatenate([rng.uniform(-1, 1, (500, 4)), np.linspace(-1, 1, 404).reshape(-1, 4)])

    total = MarginBins.of(margins, num_bins=100).total

    for column, counts in zip(margins.T, total, strict=True):
        expected, _ = np.histogram(column, bins=100, range=(-1, 1))
        np.testing.assert_array_equal(counts, expected)


def test_a_bin_holds_its_left_edge_and_the_last_one_both() -> None:
    margins = np.array([[-1.0, -0.5, 0.0, 0.5], [1.0, 1.0, 1.0, 1.0]])
    assert MarginBins.of(margins, num_bins=4).total.tolist() == [
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0, 0, 1, 1],
        [0, 0, 0, 2],
    ]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_mask_counts_its_own_pairs(share: float) -> None:
    rng = np.random.default_rng(1)
    margins = rng.uniform(-1, 1, (1000, 4))
    mask = rng.random(1000) < share

    masked = MarginBins.of(margins, num_bins=50).histogram(mask)

    np.testing.assert_array_equal(masked, MarginBins.of(margins[mask], num_bins=50).total)


def test_unscored_pairs_stand_in_no_bin() -> None:
    margins = np.array([[np.nan] * 4, [0.1] * 4, [np.nan] * 4])
    bins = MarginBins.of(margins, num_bins=2)

    assert bins.total.tolist() == [[0, 1]] * 4
    assert bins.histogram(np.array([True, True, True])).tolist() == [[0, 1]] * 4
    assert bins.histogram(np.array([True, False, False])).tolist() == [[0, 0]] * 4


def test_no_pairs_have_empty_histograms() -> None:
    assert MarginBins.of(np.zeros((0, 4)), num_bins=3).total.tolist() == [[0, 0, 0]] * 4
