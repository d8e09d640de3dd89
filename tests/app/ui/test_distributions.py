"""Points stand for the whole file, whatever its size; the maxims' correlation is coloured by its strength."""

import numpy as np

from app.ui.distributions import MAX_POINTS, correlation_rows, some_of
from app.ui.number_table import Cell


def test_all_scored_pairs_are_points_while_they_are_few() -> None:
    assert some_of(np.array([True, False, True])).tolist() == [0, 2]


def test_of_many_some_are_taken_evenly_from_first_to_last() -> None:
    chosen = some_of(np.ones(10 * MAX_POINTS, dtype=np.bool_))

    assert len(chosen) == MAX_POINTS
    assert (chosen[0], chosen[-1]) == (0, 10 * MAX_POINTS - 1)
    assert set(np.diff(chosen)) <= {10, 11}


def test_a_correlation_is_coloured_by_its_strength_and_a_maxim_with_itself_is_not() -> None:
    found = np.eye(4)
    found[0, 1] = found[1, 0] = -0.5
    found[2, 3] = found[3, 2] = np.nan

    rows = correlation_rows(found)

    assert rows[0] == [
        Cell("quantity"),
        Cell("1", tone="dim"),
        Cell("−0.50", tint=-0.5),
        *rows[0][3:],
    ]
    assert rows[2][4] == Cell("–", tone="dim")
    assert [row[number].text for number, row in enumerate(rows, 1)] == ["1"] * 4
