"""Codes answer "is it above this threshold?" exactly as the numbers do, and know each cell's mean."""

import numpy as np
import pytest

from grice_core.data.codes import CodedColumn, grid_edges, mask_bytes
from grice_core.data.pairs import FloatArray

EDGES = grid_edges(-1, 1)


def awkward_numbers() -> FloatArray:
    """Differences of scores with two digits, which fall on thresholds or beside them by a rounding error; any others."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 101, (2, 5_000)) / 100
    around = np.concatenate([np.nextafter(EDGES, -2), EDGES, np.nextafter(EDGES, 2)])
    return np.concatenate([scores[0] - scores[1], around.clip(-1, 1), rng.uniform(-1, 1, 1_000)])


def test_every_threshold_of_the_grid_is_compared_exactly() -> None:
    numbers = awkward_numbers()
    codes = CodedColumn.of(numbers, EDGES).codes

    assert codes.dtype == np.uint8
    for position, hundredths in enumerate(range(-100, 101)):
        np.testing.assert_array_equal(codes > position, numbers > hundredths / 100)


@pytest.mark.parametrize("others", [(0.205,), (1 / 3, -0.7251), (0.2, 0.2 + 1e-12)])
def test_other_thresholds_are_exact_where_they_are_edges(others: tuple[float, ...]) -> None:
    numbers = awkward_numbers()
    edges = grid_edges(-1, 1, others)

    codes = CodedColumn.of(numbers, edges).codes

    np.testing.assert_array_equal(codes, np.searchsorted(edges, numbers))


def test_cells_know_how_many_numbers_they_hold_and_their_means() -> None:
    column = CodedColumn.of(np.array([-1.0, 0.1, 0.2, 0.21, 1.0, np.nan]), np.array([0.0, 0.2]))

    assert column.codes.tolist() == [0, 1, 1, 2, 2, 0]
    assert column.counts.tolist() == [1, 2, 2]
    np.testing.assert_allclose(column.means, [-1, 0.15, 0.605])
    np.testing.assert_allclose(column.squares, [1, 0.025, (0.21**2 + 1) / 2])


def test_means_of_a_part_come_close_from_the_means_of_cells() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.normal(0.2, 0.3, 20_000).clip(-1, 1)
    part = rng.random(20_000) < 0.05
    column = CodedColumn.of(numbers, EDGES)

    estimated = column.means[column.codes[part]].mean()

    assert abs(estimated - numbers[part].mean()) < 0.001


def test_many_edges_take_two_bytes_a_number() -> None:
    column = CodedColumn.of(np.array([-2.0, 2.0]), grid_edges(-2, 2))

    assert column.codes.dtype == np.uint16
    assert column.codes.tolist() == [0, 400]


def test_a_column_of_one_number_takes_one_byte_a_pair_and_its_cells() -> None:
    num_edges = len(EDGES)
    content = CodedColumn.of(np.zeros(1_000), EDGES).as_bytes()

    assert len(content) == 8 + 8 * (num_edges + 3 * (num_edges + 1)) + 1_000


def test_a_mask_takes_a_bit_a_pair() -> None:
    content = mask_bytes(np.array([True, False, True, True, False, False, False, False, True]))

    assert np.frombuffer(content[:8], "<u4").tolist() == [1, 0]
    assert np.frombuffer(content[8:-2], "<f8").tolist() == [0.5, 5, 4, 0, 1, 0, 1]
    assert list(content[-2:]) == [0b1101, 0b1]


def test_no_numbers_have_empty_cells() -> None:
    assert CodedColumn.of(np.zeros(0), np.array([0.0])).counts.tolist() == [0, 0]
