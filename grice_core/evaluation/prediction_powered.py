"""Rates and changes from a detector's judgements of all answers and gold labels of some.

The detector sees every answer but errs; persons are right by definition but see a few. The estimate is
the detector's mean over all answers, corrected by its mean error where there is a gold label. How far
the detector is trusted (`weight`) is chosen so that the variance is smallest: a detector that says
nothing about the truth gets 0, and what is left is the mean of the gold labels.

Source: prediction-powered inference with power tuning, Angelopoulos, Duchi, Zrnic 2023 (arXiv
2311.01453); with known unequal chances of being labelled, Zrnic, Candès 2024 (arXiv 2403.03208). There
the labelled answers are others than the unlabelled ones; here they are among all answers, which
comes to the same estimate. Three things differ, because 20 labels are few for a normal interval (it
held a rate of 3 % in 43 of 100 experiments): the variance is summed by prompt, with each prompt's
leverage (HC3, MacKinnon, White 1985, doi 10.1016/0304-4076(85)90158-7), and intervals are
those of `gold_intervals.py`.

Where one looks after each label and stops when it decides, a confidence sequence's quantile takes
the place of the normal one (`confidence_sequence.py`).
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.gold_intervals import Figures, change_bounds, rate_bounds
from grice_core.evaluation.intervals import Interval

LEAST_GOLD = 10
"""Labelled prompts below which nothing is estimated."""


@dataclass(frozen=True)
class Estimate:
    """A mean over all answers, resting on gold labels."""

    value: float
    variance: float
    """Of the value, over prompts."""
    by_detector: float
    """The same by the detector alone."""
    even_labels: float
    """Labels of equal weight that would count as much as these (Kish 1965)."""
    last_variance: float
    """About what would be left of it with a label for every answer."""
    weight: float
    """How far the detector is trusted, 0 to 1."""
    num_gold: int
    """Answers with a gold label."""
    num_prompts: int
    """Prompts with such an answer."""
    num_answers: int
    """All answers."""
    samples: int
    """Answers per prompt."""

    def rate_interval(self, at_every_look: bool = False) -> Interval:
        """Of a rate between 0 and 1."""
        return rate_bounds(self._figures(), at_every_look).interval()

    def change_interval(self, at_every_look: bool = False) -> Interval:
        """Of a change between −1 and 1."""
        return change_bounds(self._figures(), at_every_look).interval()

    def with_further(self, variance: float) -> "Estimate":
        """With a variance that no number of labels makes smaller."""
        return replace(
            self, variance=self.variance + variance, last_variance=self.last_variance + variance
        )

    def with_prompts(self, num_prompts: int) -> "Estimate":
        """About what it would be with labels of so many prompts, if they continue as those so far."""
        per_label = max(self.variance - self.last_variance, 0.0) * self.num_prompts
        all_prompts = self.num_answers / self.samples
        # What sampling labels adds vanishes when every prompt has one.
        left = (1 - num_prompts / all_prompts) / max(1 - self.num_prompts / all_prompts, 1e-9)
        variance = self.last_variance + per_label / num_prompts * min(left, 1.0)
        more = num_prompts / self.num_prompts
        return replace(
            self,
            variance=variance,
            num_prompts=num_prompts,
            num_gold=round(self.num_gold * more),
            even_labels=self.even_labels * more,
        )

    def _figures(self) -> Figures:
        return Figures(**{each.name: np.asarray(getattr(self, each.name)) for each in fields(self)})


def prediction_powered(
    judged: FloatArray, gold: FloatArray, chances: FloatArray | None = None
) -> Estimate | None:
    """The mean truth of k answers to each of M prompts; None with fewer than `LEAST_GOLD` labelled prompts.

    Args:
        judged: (M, k) what the detector says, or the difference of what it says of two models.
        gold: (M, k) the truth between 0 and 1 (−1 and 1 for differences); NaN where there is no label.
        chances: (M, k) the chance that each answer had of being labelled; equal ones if None.
    """
    if np.isfinite(gold).any(axis=1).sum() < LEAST_GOLD:
        return None
    found = estimate_each(judged, gold, chances)
    return Estimate(**{each.name: getattr(found, each.name).item() for each in fields(found)})


def estimate_each(
    judged: FloatArray, gold: FloatArray, chances: FloatArray | None = None
) -> Figures:
    """As `prediction_powered`, for as many experiments at once, each with a label for some prompt.

    Args:
        judged: (…, M, k)
        gold: (…, M, k)
        chances: (…, M, k) or None.
    """
    has_gold = np.isfinite(gold)
    truth = np.where(has_gold, gold, 0.0)
    shares = has_gold / (1.0 if chances is None else chances)
    shares = shares / _total(shares)
    mean_truth, mean_judged = _total(shares * truth), judged.mean(axis=(-2, -1), keepdims=True)
    judged_where_gold = _total(shares * judged)
    # Per prompt: how far it moves the mean of the labels, and the detector's gap between all and labelled.
    count, samples = judged.shape[-2:]
    of_truth = (shares * (truth - mean_truth)).sum(axis=-1)
    of_all = (judged - mean_judged).sum(axis=-1) / (count * samples)
    of_judged = (shares * (judged - judged_where_gold)).sum(axis=-1) - of_all
    power = (of_judged**2).sum(axis=-1, keepdims=True)
    says_something = power > 1e-15
    power = np.where(says_something, power, 1.0)
    alike = (of_truth * of_judged).sum(axis=-1, keepdims=True)
    weight = np.where(says_something, np.clip(alike / power, 0, 1), 0.0)
    leverage = np.where(says_something, of_judged**2 / power, 0.0)
    influence = (of_truth - weight * of_judged) / (1 - np.minimum(leverage, 0.9))
    spread = (shares * (truth - mean_truth) ** 2).sum(axis=(-2, -1))
    weight, one = weight[..., 0], np.ones(spread.shape, dtype=np.int64)
    return Figures(
        value=mean_truth[..., 0, 0] + weight * (mean_judged - judged_where_gold)[..., 0, 0],
        variance=count / (count - 1) * (influence**2).sum(axis=-1),
        by_detector=one * mean_judged[..., 0, 0],
        even_labels=1 / (shares**2).sum(axis=(-2, -1)),
        last_variance=spread / count,
        weight=weight,
        num_gold=has_gold.sum(axis=(-2, -1)),
        num_prompts=has_gold.any(axis=-1).sum(axis=-1),
        num_answers=one * count * samples,
        samples=one * samples,
    )


def _total(values: FloatArray) -> FloatArray:
    """(…, 1, 1) over prompts and answers."""
    return np.asarray(values.sum(axis=(-2, -1), keepdims=True))
