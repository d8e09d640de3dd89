"""Points stand for the whole file, whatever its size."""

import numpy as np

from app.components.distributions import MAX_POINTS, some_of


def test_all_scored_pairs_are_points_while_they_are_few() -> None:
    assert some_of(np.array([True, False, True])).tolist() == [0, 2]


def test_of_many_some_are_taken_evenly_from_first_to_last() -> None:
    chosen = some_of(np.ones(10 * MAX_POINTS, dtype=np.bool_))

    assert len(chosen) == MAX_POINTS
    assert (chosen[0], chosen[-1]) == (0, 10 * MAX_POINTS - 1)
    assert set(np.diff(chosen)) <= {10, 11}
