"""Thresholds of a stage moved together, to keep more or fewer pairs."""

import math
from bisect import bisect_left
from collections.abc import Mapping

from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.recipes.config import StageConfig
from grice_core.recipes.suggest import GRID, joint_move
from grice_core.recipes.thresholds import move_in_stage, stage_thresholds

_WHOLE_WAY = 1000


def scaled(stage: StageConfig, margins: FloatArray, factor: float) -> Mapping[str, float] | None:
    """New values, by the thresholds' names, with which a stage keeps `factor` times as many pairs, or just more than
    that (a factor above 1) or less; None: no joint move does.

    Shapes: margins (N, 4) data margins, NaN = unscored.
    """
    wanted = factor * apply_filter(stage.filter, margins).num_kept
    if factor > 1:
        return joint_move(stage, margins, math.ceil(wanted))

    def keeps_few(share: int) -> bool:
        moved = move_in_stage(stage, _moved_up(stage, share))
        return apply_filter(moved.filter, margins).num_kept <= wanted

    share = bisect_left(range(_WHOLE_WAY), True, key=keeps_few)  # going up never keeps more
    return _moved_up(stage, share) if stage_thresholds(stage) and keeps_few(share) else None


def _moved_up(stage: StageConfig, share: int) -> dict[str, float]:
    """Each threshold by its name, once it went `share / _WHOLE_WAY` of its way up."""
    way = share / _WHOLE_WAY
    return {
        found.name: _up(found.above + way * (found.range[1] - found.above))
        for found in stage_thresholds(stage)
    }


def _up(value: float) -> float:
    """The next multiple of 1 / GRID at or above a value, give or take a rounding error."""
    return math.ceil(round(value * GRID, 6)) / GRID
