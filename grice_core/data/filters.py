"""Filters: which pairs a stage learns from, and the first reason against each of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.data.rules import FilterRule

KEPT = -1
"""What `FilterResult.reason` holds for a pair that is kept."""
UNSCORED = "unscored"
LEAKS = "leaks into evaluation"
OTHER_SOURCE = "pairs of another source"
_BLOCK = 1 << 15


@dataclass(frozen=True, eq=False)
class FilterResult:
    """What a filter decided about each of N pairs."""

    kept: BoolArray
    """(N,) true where no reason speaks against the pair."""
    reason: npt.NDArray[np.int16]
    """(N,) index into `reasons` of the first reason against the pair, `KEPT` if there is none."""
    reasons: tuple[str, ...]
    """`UNSCORED` if any pair is; the rules' names in their order; `LEAKS` if it was asked about;
    `OTHER_SOURCE` if there are such pairs."""

    @property
    def num_kept(self) -> int:
        return int(np.count_nonzero(self.kept))

    def counts(self) -> dict[str, int]:
        """How many pairs each reason drops, zeros included; with `num_kept` they add up to N."""
        return {
            reason: int(np.count_nonzero(self.reason == index))
            for index, reason in enumerate(self.reasons)
        }

    def drop_reasons(self) -> list[str]:
        """The reason of each dropped pair, in the order of the pairs."""
        return [self.reasons[index] for index in self.reason[~self.kept]]


def apply_filter(
    rules: Sequence[FilterRule], margins: FloatArray, exclude: BoolArray | None = None
) -> FilterResult:
    """Decide about each pair by rules that must all hold, and say which one was the first to fail.

    Unscored pairs are dropped before any rule is asked. Pairs in `exclude` leak into the evaluation;
    this is asked last, so that its count is the number of pairs that leakage costs.

    Shapes: margins (N, 4) data margins, NaN = unscored, fastest in Fortran order; exclude (N,).
    """
    reasons = tuple(rule.name for rule in rules)
    scored = ~np.isnan(margins[:, 0])
    all_scored = bool(scored.all())
    if not all_scored:
        reasons = (UNSCORED, *reasons)
    if exclude is not None:
        reasons = (*reasons, LEAKS)

    # A pair's depth is the number of checks that it passes before the first failure. Blocks
    # keep the temporary arrays within the processor's cache.
    reason = np.empty(len(margins), dtype=np.int16)
    for start in range(0, len(margins), _BLOCK):
        block = slice(start, start + _BLOCK)
        checks = [rule.keeps(margins[block]) for rule in rules]
        if not all_scored:
            checks.insert(0, scored[block])
        if exclude is not None:
            checks.append(~exclude[block])
        reason[block] = _first_failure(checks, len(scored[block]))
    return FilterResult(kept=reason == KEPT, reason=reason, reasons=reasons)


def within(own: BoolArray, found: FilterResult) -> FilterResult:
    """A filter's result about some of N pairs, those where the (N,) mask is true, as one about all."""
    kept = np.zeros(len(own), dtype=np.bool_)
    reason = np.full(len(own), len(found.reasons), dtype=np.int16)
    kept[own], reason[own] = found.kept, found.reason
    return FilterResult(kept, reason, (*found.reasons, OTHER_SOURCE))


def _first_failure(checks: Sequence[BoolArray], num_pairs: int) -> npt.NDArray[np.int16]:
    """(num_pairs,) index of the first check that each pair fails, `KEPT` if it passes all."""
    alive = np.ones(num_pairs, dtype=np.bool_)
    depth = np.zeros(num_pairs, dtype=np.int16)
    for check in checks:
        alive = alive & check
        depth += alive
    # Plain arithmetic, since writing through a mask is many times slower.
    return depth + alive * np.int16(KEPT - len(checks))
