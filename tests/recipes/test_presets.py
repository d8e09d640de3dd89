"""A stage's thresholds moved together keep twice or half as many pairs."""

import numpy as np
import pytest

from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.recipes.load import load_recipe
from grice_core.recipes.presets import scaled
from grice_core.recipes.thresholds import move_in_stage, stage_thresholds

STAGES = load_recipe("content-then-manner").stages


@pytest.fixture
def margins() -> FloatArray:
    return np.random.default_rng(0).normal(0, 0.3, (4_000, 4)).clip(-1, 1)


def kept(stage: int, margins: FloatArray, factor: float) -> tuple[int, int]:
    """Before and after."""
    config = STAGES[stage]
    moves = scaled(config, margins, factor)
    assert moves is not None
    moved = move_in_stage(config, moves)
    return (
        apply_filter(config.filter, margins).num_kept,
        apply_filter(moved.filter, margins).num_kept,
    )


@pytest.mark.parametrize("stage", [0, 1])
def test_half_as_many(margins: FloatArray, stage: int) -> None:
    before, after = kept(stage, margins, 0.5)
    assert 0.4 * before < after <= 0.5 * before


def test_twice_as_many(margins: FloatArray) -> None:
    before, after = kept(1, margins, 1.2)
    assert 1.2 * before <= after < 1.4 * before


def test_values_lie_on_the_grid_that_thresholds_have_on_pages(margins: FloatArray) -> None:
    moves = scaled(STAGES[1], margins, 0.5)
    assert moves is not None
    assert {name: round(value, 2) for name, value in moves.items()} == moves
    assert list(moves) == [found.name for found in stage_thresholds(STAGES[1])]


def test_more_pairs_than_there_are_can_not_be_kept(margins: FloatArray) -> None:
    assert scaled(STAGES[1], margins, 1_000) is None


def test_a_stage_without_thresholds_has_none_to_move(margins: FloatArray) -> None:
    assert scaled(load_recipe("joint").stages[0], margins, 0.5) is None
