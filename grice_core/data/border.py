"""Pairs at the border of a filter: those that a small move of a threshold would bring in or lose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.filters import FilterResult
from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.data.rules import FilterRule, ThresholdRule


@dataclass(frozen=True, eq=False)
class Border:
    """Indices of pairs, those nearest to the border first."""

    just_kept: IntArray
    just_dropped: IntArray


def find_border(
    rules: Sequence[FilterRule], margins: FloatArray, filtered: FilterResult, num: int = 3
) -> Border:
    """The `num` pairs on each side whose worst rule holds, or fails, by the least.

    Pairs that are dropped for want of scores, or for leaking, are not at the border.
    Shapes: margins (N, 4) data margins, NaN = unscored; `filtered` is what the rules decided.
    """
    slack = np.full(len(margins), np.inf)
    for rule in rules:
        if isinstance(rule, ThresholdRule):
            slack = np.minimum(slack, rule.strength(margins) - rule.above)
    return Border(
        just_kept=_nearest(slack, filtered.kept, num),
        just_dropped=_nearest(-slack, ~filtered.kept & (slack <= 0), num),
    )


def _nearest(distance: FloatArray, mask: BoolArray, num: int) -> IntArray:
    """Indices of the smallest distances where the mask holds, ascending by distance."""
    indices = np.flatnonzero(mask & np.isfinite(distance))
    candidates = distance[indices]
    if len(indices) > num:
        nearest = np.argpartition(candidates, num)[:num]
        indices, candidates = indices[nearest], candidates[nearest]
    found: IntArray = indices[np.argsort(candidates, kind="stable")]
    return found
