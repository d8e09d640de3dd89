"""Chances of being picked, and weights that undo them."""

import itertools

import numpy as np
import pytest

from grice_core.evaluation.picking import UNIFORM_SHARE, pick_chances, pick_weights


def test_uniform_picks_count_alike():
    assert pick_weights([1.0] * 5, 20).tolist() == [1] * 5


def test_once_every_prompt_is_judged_all_count_alike_however_they_were_picked():
    assert pick_weights([3.0, 0.5, 0.7, 1.0], 4).tolist() == pytest.approx([1] * 4)


def test_what_was_twice_as_likely_counts_half_among_very_many():
    weights = pick_weights([2.0, 1.0], 10**6)
    assert weights[0] / weights[1] == pytest.approx(0.5, rel=1e-4)


def test_the_weighted_mean_is_right_on_average_over_all_orders():
    """Every order of two picks of four, with its chance: the estimator is unbiased, exactly."""
    values = np.array([0.0, 1.0, 5.0, -2.0])
    liking = np.array([1.0, 2.0, 3.0, 0.5])
    expected = 0.0
    for order in itertools.permutations(range(4), 2):
        left = np.ones(4, dtype=np.bool_)
        chance, relative = 1.0, []
        for pick in order:
            chances = pick_chances(liking, left)
            chance *= chances[pick]
            relative.append(chances[pick] * left.sum())
            left[pick] = False
        expected += chance * (pick_weights(relative, 4) * values[list(order)]).mean()
    assert expected == pytest.approx(values.mean())


def test_no_prompt_is_out_of_reach_and_none_comes_twice():
    chances = pick_chances(np.array([0.0, 5.0, 1.0]), np.array([True, True, False]))
    assert chances.tolist() == pytest.approx([UNIFORM_SHARE / 2, 1 - UNIFORM_SHARE / 2, 0])
    nothing_told = pick_chances(np.zeros(2), np.array([True, True]))
    assert nothing_told.tolist() == [0.5, 0.5]
