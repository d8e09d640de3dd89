"""Reach and power: whether the base's own answers hold cooperative ones, and what so many prompts can tell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.real.ceiling import Share
from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.evaluation.intervals import NORMAL, Interval, wilson, wilson_interval
from grice_core.evaluation.power import detectable_change, prompts_to_tell
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel

BOTH = "both judges"


@dataclass(frozen=True)
class Reach:
    """How cooperative the best of the base's own answers are, by one judge or by both."""

    single: float
    """Share of all answers."""
    single_interval: Interval
    any_of: Mapping[int, float]
    """By k: share of the prompts with a cooperative, finished answer among k."""
    any_interval: Interval
    """Of the largest k."""
    best: Share
    """Of the answers that the training judge finds best, one to each prompt."""
    single_at_one_threshold: float | None
    """Share of all answers, the judge read by its `OneThreshold`; None of both judges."""


@dataclass(frozen=True)
class Power:
    """What so many prompts, one answer each, can tell of one measure."""

    discordance: float
    """Share of the prompts on which two answers of the same model differ."""
    detectable: float | None
    """The smallest true change that is found with 80 % power."""
    prompts_needed: int | None
    """To see, with 80 % power, that a model that changes nothing is not worse by the recipe's margin; None: more than
    anyone evaluates."""


def reaches(
    by_judge: Mapping[str, EvaluatedModel], thresholds: Mapping[str, float]
) -> dict[str, Reach]:
    """By judge, and by both where there are two; the training judge comes first.

    Args:
        by_judge: the same answers.
        thresholds: of `OneThreshold`, by judge.
    """
    first = next(iter(by_judge.values()))
    shape = first.num_prompts, first.samples_per_prompt
    finished = ~np.isin(np.arange(len(first.responses)), sorted(first.cut)).reshape(shape)
    best = np.where(finished, first.scores.mean(axis=1).reshape(shape), np.inf).argmin(axis=1)
    found = {name: model.cooperative.reshape(shape) for name, model in by_judge.items()}
    if len(found) > 1:
        found[BOTH] = np.logical_and.reduce(list(found.values()))
    laxly = {
        name: float((by_judge[name].scores.max(axis=1) <= value).mean())
        for name, value in thresholds.items()
    }
    return {
        name: _reach(cooperative, finished, best, laxly.get(name))
        for name, cooperative in found.items()
    }


def _reach(
    cooperative: BoolArray, finished: BoolArray, best: IntArray, single_at_one: float | None
) -> Reach:
    num_prompts, k = cooperative.shape
    usable = cooperative & finished
    sizes = sorted({2**power for power in range(k.bit_length()) if 2**power <= k} | {k})
    any_of = {size: float(any_among(usable.sum(axis=1), k, size).mean()) for size in sizes}
    return Reach(
        single=float(cooperative.mean()),
        single_interval=wilson_interval(cooperative.astype(np.float64)),
        any_of=any_of,
        any_interval=wilson(any_of[k], num_prompts, NORMAL),
        best=Share.among(usable[np.arange(num_prompts), best]),
        single_at_one_threshold=single_at_one,
    )


def any_among(num_good: IntArray, k: int, size: int) -> FloatArray:
    """(M,) the chance that `size` of k answers, drawn without replacement, hold a good one.

    Args:
        num_good: (M,) of the k answers to each prompt.

    Source: Chen et al. 2021 (arXiv 2107.03374), where it is called pass@k.
    """
    from scipy.special import comb

    missed = comb(k - num_good, size) / comb(k, size)
    return np.asarray(1 - missed, dtype=np.float64)


def powers(model: EvaluatedModel, max_regression: float) -> dict[str, Power]:
    """By measure, from how often two answers of the same model to one prompt differ."""
    outcomes = model.outcomes_of(list(model.rows_of_prompt))
    num_prompts, k, _ = outcomes.shape
    num_true = outcomes.sum(axis=1)
    differ = (2 * num_true * (k - num_true) / (k * (k - 1))).mean(axis=0)
    return {
        measure: _power(float(share), num_prompts, max_regression)
        for measure, share in zip(MEASURES, differ, strict=True)
        if measure != COOPERATIVE or share > 0
    }


def _power(discordance: float, num_prompts: int, max_regression: float) -> Power:
    # As in `paired_interval`, one more prompt for either side.
    half = NORMAL * np.sqrt(discordance * num_prompts + 2) / (num_prompts + 2)
    return Power(
        discordance=discordance,
        detectable=detectable_change(num_prompts, discordance) if discordance else None,
        prompts_needed=prompts_to_tell(num_prompts, Interval(-half, half), max_regression),
    )
