"""How far a rate or a difference can be trusted."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from grice_core.data.pairs import FloatArray

CONFIDENCE = 0.95
NORMAL = float(ndtri(1 - (1 - CONFIDENCE) / 2))
"""The normal quantile of a two-sided 95 % interval."""
NUM_DRAWS = 10_000
BOOTSTRAP_SEED = 0
"""Fixed: the same responses give the same intervals, whatever seed they were sampled with."""


@dataclass(frozen=True)
class Interval:
    """Where the true value lies, with 95 % confidence."""

    low: float
    high: float


def wilson_interval(outcomes: FloatArray) -> Interval:
    """Wilson's score interval of a rate.

    With several responses per prompt, whose outcomes resemble each other, the number of responses is
    first cut to the number of independent ones that would say as much: the design effect is
    estimated between prompts, and never below 1 nor above k. Where it is estimated, Student's quantile
    with M − 1 degrees of freedom takes the place of the normal one.

    Args:
        outcomes: (M, k) 0 or 1 for k responses to each of M prompts.

    Source: Wilson 1927 (doi 10.2307/2276774); effective sample size: Kish 1965, *Survey Sampling*.
    """
    num_prompts, k = outcomes.shape
    rate = float(outcomes.mean())
    effective = effective_size(outcomes)
    estimated = k > 1 and num_prompts > 1 and 0 < rate < 1
    return wilson(rate, effective, student(num_prompts - 1) if estimated else NORMAL)


def wilson(rate: float, num: float, quantile: float) -> Interval:
    """Wilson's score interval of a rate among `num` independent outcomes, which need not be a whole number."""
    low, high = wilson_ends(*map(np.asarray, (rate, num, quantile)))
    return Interval(float(low), float(high))


def wilson_ends(
    rate: FloatArray, num: FloatArray, quantile: FloatArray, further: FloatArray | float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """As `wilson`, the lower and upper ends (…,) of as many intervals.

    The ends are the rates p with (rate − p)² = quantile² · (p (1 − p) / num + further), where `further` is a
    variance that does not depend on the rate.
    """
    weight = quantile**2 / num
    centre = (rate + weight / 2) / (1 + weight)
    variance = rate * (1 - rate) / num + weight / (4 * num) + (1 + weight) * further
    half = quantile * np.sqrt(variance) / (1 + weight)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def student(degrees: int) -> float:
    """Student's quantile of a two-sided 95 % interval."""
    return float(stdtrit(degrees, 1 - (1 - CONFIDENCE) / 2))


def paired_interval(differences: FloatArray, k: int = 1) -> Interval:
    """Bootstrap interval of the mean of paired differences, prompts drawn with replacement.

    The plain percentile interval collapses where few prompts differ: if none does, it claims a
    difference of exactly 0. So one prompt that speaks for the first model and one that speaks for
    the second join the draws, as in Bonett and Price's interval, each by what one response can weigh.

    Args:
        differences: (M,) per prompt, mean outcome of one model − mean outcome of the other.
        k: Responses per prompt and model.

    Source: Efron 1979 (doi 10.1214/aos/1176344552); Bonett, Price 2012 (doi 10.3102/1076998611411915).
    """
    weight = 1 / np.sqrt(k)
    values, counts = np.unique(
        np.concatenate([differences, [-weight, weight]]).round(9), return_counts=True
    )
    # Prompts with equal differences are alike, so counting how often each value is drawn is
    # resampling prompts, in a fraction of the time.
    total = int(counts.sum())
    draws = np.random.default_rng(BOOTSTRAP_SEED).multinomial(total, counts / total, NUM_DRAWS)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws @ values / total, [tail, 1 - tail])
    return Interval(float(low), float(high))


def effective_size(outcomes: FloatArray) -> float:
    """How many independent responses say as much as k, 0 or 1, to each of M prompts."""
    return outcomes.size / _design_effect(outcomes)


def _design_effect(outcomes: FloatArray) -> float:
    """Variance of the rate over the variance that independent responses would have, in [1, k]."""
    num_prompts, k = outcomes.shape
    rate = float(outcomes.mean())
    if k == 1:
        return 1.0
    if num_prompts == 1 or rate in (0.0, 1.0):
        return float(k)  # nothing to estimate it from: count prompts only
    between = float(outcomes.mean(axis=1).var(ddof=1)) / num_prompts
    return float(np.clip(between / (rate * (1 - rate) / (num_prompts * k)), 1.0, k))
