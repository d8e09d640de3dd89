"""Suggestions keep at least as many pairs as asked for, by moving no more than needed."""

import numpy as np
import pytest

from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.recipes.config import StageConfig
from grice_core.recipes.load import load_recipe
from grice_core.recipes.suggest import joint_move, most_by_one, single_moves, steps_towards
from grice_core.recipes.thresholds import move_in_stage


@pytest.fixture
def stage() -> StageConfig:
    """Manner above 0.2, relation and quantity above -0.1."""
    return load_recipe("content-then-manner").stages[1]


def margins_of(*manner_and_relation: tuple[float, float]) -> FloatArray:
    """(N, 4) with quantity and quality 0."""
    return np.array([[0.0, 0.0, relation, manner] for manner, relation in manner_and_relation])


def kept_after(stage: StageConfig, margins: FloatArray, moves: dict[str, float]) -> int:
    return apply_filter(move_in_stage(stage, moves).filter, margins).num_kept


def test_the_one_threshold_that_is_in_the_way_is_named(stage: StageConfig) -> None:
    # Manner keeps one pair; no one fails at relation, so moving relation alone would not help.
    margins = margins_of((0.30, 0.0), (0.155, 0.0), (0.12, 0.0), (0.04, 0.0))

    moves = single_moves(stage, margins, at_least=3)

    assert [(move.threshold.rule.name, move.above, move.kept) for move in moves] == [
        ("manner", 0.11, 3)
    ]


def test_the_shortest_move_comes_first(stage: StageConfig) -> None:
    # Relation down to -0.41 lets the second pair in, manner down to 0.18 the third.
    margins = margins_of((0.5, 0.0), (0.5, -0.4), (0.19, 0.0))

    moves = single_moves(stage, margins, at_least=2)

    assert [(move.threshold.rule.name, move.above) for move in moves] == [
        ("manner", 0.18),
        ("relation", -0.41),
    ]


def test_each_step_of_a_move_says_what_it_would_keep(stage: StageConfig) -> None:
    margins = margins_of(*((level / 100 + 0.005, 0.0) for level in range(30)))
    (wanted,) = single_moves(stage, margins, at_least=20)

    steps = steps_towards(wanted, stage, margins, num=2)

    assert [(step.above, step.kept) for step in steps] == [(0.15, 15), (0.1, 20)]


def test_a_margin_that_lies_on_the_grid_is_passed_not_met(stage: StageConfig) -> None:
    margins = margins_of((0.10, 0.0), (0.10, 0.0))

    (move,) = single_moves(stage, margins, at_least=2)

    assert move.above == 0.09
    assert kept_after(stage, margins, {move.threshold.name: move.above}) == 2


def test_positive_thresholds_stop_at_zero(stage: StageConfig) -> None:
    margins = margins_of((0.3, 0.0), (-0.2, 0.0))

    assert single_moves(stage, margins, at_least=2) == ()
    assert joint_move(stage, margins, at_least=2) is None
    best = most_by_one(stage, margins)
    assert best is not None
    assert best.kept == 1


def test_moving_all_thresholds_together_keeps_enough_and_hardly_more(stage: StageConfig) -> None:
    margins = np.random.default_rng(0).uniform(-1, 1, (2000, 4))

    moves = joint_move(stage, margins, at_least=800)

    assert moves is not None
    assert 800 <= kept_after(stage, margins, dict(moves)) <= 830


def test_nothing_moves_where_enough_is_kept_already(stage: StageConfig) -> None:
    margins = margins_of((0.5, 0.0), (0.5, 0.0))

    assert single_moves(stage, margins, at_least=1) == ()
    moves = joint_move(stage, margins, at_least=1)
    assert moves == {
        "stage2.filter.manner.above": 0.2,
        "stage2.filter.relation.above": -0.1,
        "stage2.filter.quantity.above": -0.1,
    }


def test_unscored_pairs_are_out_of_reach(stage: StageConfig) -> None:
    margins = np.full((5, 4), np.nan)

    assert single_moves(stage, margins, at_least=1) == ()
    assert joint_move(stage, margins, at_least=1) is None
