"""Intervals of rates and changes that rest on a detector's judgements and on gold labels of some answers.

A rate's is Wilson's interval for as many independent labels as would have the estimate's variance. Where the
rate is near 0 or 1 and the detector errs more often than that, these would be fewer than there are labels, and as
few as one; but such errors come as often at any rate. So labels count in full, and what variance they leave over
is added as it is.

Or it is a wider one: few labels can by chance show few of the detector's errors. So each rate is judged by a
variance that is pulled up towards the least that its errors can have, were it as far from the detector's figure
as this rate says: a detector that is off by e errs in at least a share e of the answers.

All of it works on arrays, one number for each of as many estimates.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.evaluation.confidence_sequence import sequence_quantile
from grice_core.evaluation.intervals import CONFIDENCE, NORMAL, Interval, wilson_ends

_RATES = np.linspace(0, 1, 1001)
PRIOR_LABELS = 20
"""The least variance of errors counts as much as so many labelled prompts in an interval for one planned look."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What intervals are made of; each an array (…,) of as many estimates. See `Estimate`."""

    value: FloatArray
    variance: FloatArray
    by_detector: FloatArray
    even_labels: FloatArray
    last_variance: FloatArray
    weight: FloatArray
    num_gold: FloatArray
    num_prompts: FloatArray
    num_answers: FloatArray
    samples: FloatArray


@dataclass(frozen=True, eq=False)
class Bounds:
    """(…,) lower and upper ends."""

    low: FloatArray
    high: FloatArray

    def hold(self, truth: float) -> BoolArray:
        """(…,) whether they hold this value."""
        return np.asarray((self.low <= truth) & (truth <= self.high))

    def interval(self) -> Interval:
        """The only one there is."""
        return Interval(float(self.low), float(self.high))


def rate_bounds(found: Figures, at_every_look: bool = False) -> Bounds:
    """Of rates between 0 and 1."""
    parts = _parts(found)
    quantile = _quantile(found, at_every_look)
    low, high = wilson_ends(_clipped(found), parts.labels, quantile, parts.further)
    wider = _where_negative(rates_beyond(found, _RATES, at_every_look), _clipped(found))
    return Bounds(np.minimum(low, wider.low), np.maximum(high, wider.high))


def rates_beyond(found: Figures, rates: FloatArray, at_every_look: bool = False) -> FloatArray:
    """(…, R) how far each of R rates lies beyond the intervals; 0 and less inside."""
    quantile = _quantile(found, at_every_look)[..., None]
    parts = _parts(found)
    variance = rates * (1 - rates) / parts.labels[..., None] + parts.further[..., None]
    more = np.maximum(_least_variance(found, rates) - variance, 0.0)
    if not at_every_look:
        more *= (PRIOR_LABELS / (PRIOR_LABELS + found.num_prompts))[..., None]
    distance = np.abs(rates - _clipped(found)[..., None])
    return np.asarray(distance - quantile * np.sqrt(variance + more))


def change_bounds(found: Figures, at_every_look: bool = False) -> Bounds:
    """Of changes between −1 and 1.

    As in Bonett and Price's interval one prompt for either side joins those with gold labels, or a sample
    in which nothing changed would claim that nothing ever does.
    """
    m = found.num_prompts
    share = m / (m + 2)
    labels_each = found.num_gold / m
    variance = share**2 * found.variance + 2 / labels_each / (m + 2) ** 2
    half = _quantile(found, at_every_look) * np.sqrt(variance)
    value = share * found.value
    return Bounds(np.maximum(value - half, -1.0), np.minimum(value + half, 1.0))


def _quantile(found: Figures, at_every_look: bool) -> FloatArray:
    """Wider by Student's where answers to one prompt are alike, since the variance is then estimated."""
    usual = (
        sequence_quantile(found.num_prompts)
        if at_every_look
        else np.full(found.num_prompts.shape, NORMAL)
    )
    students = stdtrit(found.num_prompts - 1, 1 - (1 - CONFIDENCE) / 2)
    is_estimated = (found.samples > 1) & (found.num_gold > found.num_prompts)
    return np.where(is_estimated, usual * students / NORMAL, usual)


def _clipped(found: Figures) -> FloatArray:
    return np.clip(found.value, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class _Parts:
    """An estimate's variance, each (…,)."""

    labels: FloatArray
    """As many independent labels have the part that depends on the rate."""
    further: FloatArray
    """What is left, which doesn't."""


def _parts(found: Figures) -> _Parts:
    value, has_variance = _clipped(found), found.variance > 0
    of_label = value * (1 - value)
    enough = of_label / np.where(has_variance, found.variance, 1.0)
    given = np.minimum(found.even_labels, found.num_prompts)
    labels = np.minimum(np.maximum(enough, given), found.num_answers)
    return _Parts(labels, np.maximum(found.variance - of_label / labels, 0.0))


def _least_variance(found: Figures, rates: FloatArray) -> FloatArray:
    """(…, R) of the estimate at each rate, had the detector no more errors than the rate takes."""
    weight = found.weight[..., None]
    errors = np.abs(rates - found.by_detector[..., None])
    of_label = (1 - weight) ** 2 * rates * (1 - rates) + weight**2 * errors * (1 - errors)
    return np.asarray(of_label / found.even_labels[..., None])


def _where_negative(heights: FloatArray, inside: FloatArray) -> Bounds:
    """From the first to the last zero of lines through these points, which are negative around `inside`.

    Args:
        heights: (…, R) at each rate.
        inside: (…,)
    """
    within = heights <= 0
    first = within.argmax(axis=-1)
    last = len(_RATES) - 1 - within[..., ::-1].argmax(axis=-1)
    low = _crossing(heights, first, np.maximum(first - 1, 0))
    high = _crossing(heights, last, np.minimum(last + 1, len(_RATES) - 1))
    is_any = within.any(axis=-1)
    return Bounds(
        np.where(is_any, np.minimum(low, inside), inside),
        np.where(is_any, np.maximum(high, inside), inside),
    )


def _crossing(heights: FloatArray, negative: IntArray, positive: IntArray) -> FloatArray:
    """(…,) where a line from one of these points to the other is 0; the point itself where both are the same."""
    at, beyond = (
        np.take_along_axis(heights, place[..., None], axis=-1)[..., 0]
        for place in (negative, positive)
    )
    part = np.where(negative == positive, 0.0, at / np.where(at == beyond, 1.0, at - beyond))
    return np.asarray(_RATES[negative] + part * (_RATES[positive] - _RATES[negative]))
