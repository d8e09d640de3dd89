"""Thresholds that keep enough pairs: what to move, how far, and what each step would keep.

Thresholds are suggested on a grid of 0.01, always rounded towards keeping more. One that asks for a
positive margin is never moved below zero, where it would let pairs in that teach the opposite.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grice_core.data.filters import apply_filter
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.formatting import number
from grice_core.recipes.config import StageConfig
from grice_core.recipes.thresholds import Threshold, move_in_stage, stage_thresholds

GRID = 100
"""Suggested thresholds are multiples of 1 / GRID."""
_WHOLE_WAY = 1000


@dataclass(frozen=True)
class Move:
    """One threshold moved, all others as they are."""

    threshold: Threshold
    """As it stands now."""
    above: float
    """Where it would stand."""
    kept: int
    """Pairs that the stage would keep then."""


def single_moves(stage: StageConfig, margins: FloatArray, at_least: int) -> tuple[Move, ...]:
    """Each threshold that can reach `at_least` pairs when moved alone, the shortest move first.

    Shapes: margins (N, 4) data margins, NaN = unscored.
    """
    found = []
    for threshold in stage_thresholds(stage):
        reachable = _passing_the_others(stage, threshold, margins)
        above = _highest(reachable, at_least)
        if above is not None and _floor(threshold) <= above < threshold.above:
            found.append(Move(threshold, above, _count(reachable, above)))
    return tuple(sorted(found, key=lambda move: move.threshold.above - move.above))


def steps_towards(
    wanted: Move, stage: StageConfig, margins: FloatArray, num: int = 5
) -> list[Move]:
    """What `num` equal steps of a move would keep, the last one being the move itself."""
    threshold = wanted.threshold
    reachable = _passing_the_others(stage, threshold, margins)
    values = np.linspace(threshold.above, wanted.above, num + 1)[1:-1]
    halts = dict.fromkeys([*(_down(float(value)) for value in values), wanted.above])
    return [Move(threshold, halt, _count(reachable, halt)) for halt in halts]


def most_by_one(stage: StageConfig, margins: FloatArray) -> Move | None:
    """The threshold that keeps most pairs when moved alone as far as it goes; None: there is none."""
    moves = []
    for threshold in stage_thresholds(stage):
        reachable = _passing_the_others(stage, threshold, margins)
        moves.append(Move(threshold, _floor(threshold), _count(reachable, _floor(threshold))))
    return max(moves, key=lambda move: move.kept, default=None)


def out_of_reach(stage: StageConfig, margins: FloatArray, at_least: int) -> str:
    """Two sentences for where no single threshold keeps `at_least` pairs: that, and what to do."""
    sentence = f"No single threshold reaches {at_least:,} {'pair' if at_least == 1 else 'pairs'}."
    best = most_by_one(stage, margins)
    if best is None or best.kept <= apply_filter(stage.filter, margins).num_kept:
        return f"{sentence} Bring more scored pairs."
    return (
        f"{sentence} Most is kept with {best.threshold.statistic} at {number(best.above)}: "
        f"{best.kept:,}."
    )


def joint_move(
    stage: StageConfig, margins: FloatArray, at_least: int
) -> Mapping[str, float] | None:
    """All thresholds moved by the same share of their way down, as little as reaches `at_least`.

    Returns the new values by the thresholds' names, or None if not even all of the way does.
    """

    def keeps_enough(share: int) -> bool:
        moved = move_in_stage(stage, _moved_by(stage, share))
        return apply_filter(moved.filter, margins).num_kept >= at_least

    share = bisect_left(range(_WHOLE_WAY), True, key=keeps_enough)  # going down never keeps less
    return _moved_by(stage, share) if keeps_enough(share) else None


def _moved_by(stage: StageConfig, share: int) -> dict[str, float]:
    """Each threshold by its name, once it went `share / _WHOLE_WAY` of its way down."""
    return {
        found.name: _down(found.above - share / _WHOLE_WAY * (found.above - _floor(found)))
        for found in stage_thresholds(stage)
    }


def _floor(threshold: Threshold) -> float:
    """As far down as a threshold may be moved."""
    if threshold.above > 0:
        return 0.0
    return min(threshold.above, threshold.range[0] - 1 / GRID)


def _passing_the_others(
    stage: StageConfig, threshold: Threshold, margins: FloatArray
) -> FloatArray:
    """The strengths, for this threshold's rule, of the scored pairs that all other rules keep."""
    others = [rule for index, rule in enumerate(stage.filter) if index != threshold.rule_index]
    kept: BoolArray = apply_filter(others, margins).kept
    return threshold.rule.strength(margins[kept])


def _highest(strengths: FloatArray, at_least: int) -> float | None:
    """The highest threshold on the grid that at least so many strengths exceed."""
    if len(strengths) < max(at_least, 1):
        return None
    last = float(np.partition(strengths, len(strengths) - at_least)[len(strengths) - at_least])
    above = _down(last)
    return above if _count(strengths, above) >= at_least else round(above - 1 / GRID, 2)


def _down(value: float) -> float:
    """The next multiple of 1 / GRID at or below a value, give or take a rounding error."""
    return math.floor(round(value * GRID, 6)) / GRID


def _count(strengths: FloatArray, above: float) -> int:
    return int(np.count_nonzero(strengths > above))
