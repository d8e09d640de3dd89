"""What the stages' filters make of a data set, in numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from grice_core.data.filters import FilterResult
from grice_core.data.pairs import FloatArray
from grice_core.maxims import MAXIMS, Maxim

OPPOSITE = -0.1
"""A pair whose data margin is below this teaches the opposite on that maxim."""


@dataclass(frozen=True)
class MarginSummary:
    """A data margin in the pairs that a stage keeps."""

    mean: float | None
    """None if the stage keeps nothing."""
    std: float | None
    """Population standard deviation."""
    negative: int = 0
    """Kept pairs with a margin below 0, the wrong sign."""
    opposite: int = 0
    """Kept pairs with a margin below `OPPOSITE`."""


@dataclass(frozen=True)
class StageSummary:
    """What one stage keeps and why it drops the rest."""

    name: str
    kept: int
    retention: float
    """Kept share of all pairs, 0 to 1."""
    dropped: dict[str, int]
    """Pairs per reason, each counted once; with `kept` they add up to all pairs."""
    margins: dict[Maxim, MarginSummary]


@dataclass(frozen=True)
class StagesSummary:
    """What `grice stages --json` prints, key by key."""

    num_pairs: int
    stages: tuple[StageSummary, ...]
    overlap: dict[str, int]
    """Pairs that both stages keep, by `stage1&stage2`, for every two stages."""

    def as_json(self) -> dict[str, Any]:
        """The summary as plain data, to be written as JSON."""
        return asdict(self)


def summarise(filtered: Mapping[str, FilterResult], margins: FloatArray) -> StagesSummary:
    """Sum up each stage's filter result; (N, 4) data margins, NaN = unscored."""
    return StagesSummary(
        num_pairs=len(margins),
        stages=tuple(_sum_up(name, result, margins) for name, result in filtered.items()),
        overlap={
            f"{one}&{other}": int(np.count_nonzero(filtered[one].kept & filtered[other].kept))
            for one, other in combinations(filtered, 2)
        },
    )


def _sum_up(name: str, result: FilterResult, margins: FloatArray) -> StageSummary:
    # Four times as fast as selecting by the mask, which searches it once per maxim.
    kept = np.flatnonzero(result.kept)
    return StageSummary(
        name=name,
        kept=result.num_kept,
        retention=result.num_kept / len(margins) if len(margins) else 0.0,
        dropped=result.counts(),
        margins={maxim: _describe(margins[:, maxim.column].take(kept)) for maxim in MAXIMS},
    )


def _describe(column: FloatArray) -> MarginSummary:
    if not len(column):
        return MarginSummary(mean=None, std=None)
    return MarginSummary(
        mean=float(column.mean()),
        std=float(column.std()),
        negative=int(np.count_nonzero(column < 0)),
        opposite=int(np.count_nonzero(column < OPPOSITE)),
    )
