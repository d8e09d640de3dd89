"""A change of a rate that is no change of length: rates compared among answers of equal length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.jackknife import jackknife_interval

NUM_STRATA = 5
"""Five remove more than 90 % of what a difference of length does to a rate (Cochran 1968)."""
LEAST_PROMPTS = 5
"""A stratum counts if either model gave answers in it to so many prompts."""
LEAST_SHARE = 0.5
"""Where fewer of the baseline's answers lie in such strata nothing is said."""


@dataclass(frozen=True)
class EqualLengthChange:
    """How a rate changed from one model to another among answers as long as the first one's."""

    change: float | None
    """None: the lengths hardly overlap."""
    interval: Interval | None
    share: float
    """Of the first model's answers, that the second has answers as long as."""


def equal_length_change(
    words: tuple[FloatArray, FloatArray], outcomes: tuple[FloatArray, FloatArray]
) -> EqualLengthChange:
    """Direct standardisation to the first model's lengths, in fifths of them.

    In every fifth the rates of both models are compared, and these differences averaged with the first
    model's shares. Fifths in which one of them has hardly any answers are left out. The interval is the
    jackknife's over prompts.

    Args:
        words: (M, k) words of the answers of either model.
        outcomes: (M, k) 0 or 1.

    Source: Cochran 1968 (doi 10.2307/2528036).
    """
    strata = _strata(*words)
    counts = [_per_prompt(of, None) for of in strata]
    bad = [_per_prompt(of, values) for of, values in zip(strata, outcomes, strict=True)]
    usable = np.logical_and.reduce([(of > 0).sum(axis=0) >= LEAST_PROMPTS for of in counts])
    share = float(counts[0][:, usable].sum() / words[0].size)
    if share < LEAST_SHARE:
        return EqualLengthChange(None, None, share)
    tables = [of[:, usable] for of in (*counts, *bad)]
    value = float(_standardised(*(of.sum(axis=0) for of in tables)))
    left_out = _standardised(*(of.sum(axis=0) - of for of in tables))
    extra = 1 / np.sqrt(words[0].shape[1])
    return EqualLengthChange(value, jackknife_interval(value, left_out, extra), share)


def _strata(before: FloatArray, after: FloatArray) -> Sequence[IntArray]:
    """(M, k) fifth of the first model's lengths in which each answer lies; −1 for longer and shorter ones."""
    levels = np.linspace(0, 1, NUM_STRATA + 1)[1:-1]
    edges = np.unique(np.quantile(before, levels, method="inverted_cdf"))
    low, high = before.min(), before.max()
    return [
        np.where((of >= low) & (of <= high), np.searchsorted(edges, of, side="left"), -1)
        for of in (before, after)
    ]


def _per_prompt(strata: IntArray, values: FloatArray | None) -> FloatArray:
    """(M, strata) answers of each prompt in each stratum, or the sum of their outcomes."""
    counted = np.ones(strata.shape) if values is None else values
    sums: FloatArray = np.stack(
        [((strata == stratum) * counted).sum(axis=1) for stratum in range(NUM_STRATA)], axis=1
    )
    return sums


def _standardised(
    num_before: FloatArray, num_after: FloatArray, bad_before: FloatArray, bad_after: FloatArray
) -> FloatArray:
    """(…, strata) counts → (…) difference of rates, weighted with the first model's strata."""
    weights = num_before / num_before.sum(axis=-1, keepdims=True)
    differences = bad_after / num_after - bad_before / num_before
    averaged: FloatArray = (weights * differences).sum(axis=-1)
    return averaged
