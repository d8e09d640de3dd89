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
leverage (HC3, MacKinnon, White 1985, doi 10.1016/0304-4076(85)90158-7), and a rate's interval is
Wilson's for as many independent labels as would have that variance.

Where one looks after each label and stops when it decides, a confidence sequence's quantile takes
the place of the normal one (`confidence_sequence.py`).
"""

from dataclasses import dataclass, replace

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.confidence_sequence import sequence_quantile
from grice_core.evaluation.intervals import NORMAL, Interval, student, wilson

_RATES = np.linspace(0, 1, 1001)
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
        """Of a rate between 0 and 1: Wilson's interval for the effective number of labels, or a wider one.

        Few labels can by chance show few of the detector's errors, and with a look after each label
        that chance comes often. So at every look each rate is judged by no less than the variance
        of the errors that it would take for the detector to be as far off.
        """
        value = min(max(self.value, 0.0), 1.0)
        spread = value * (1 - value)
        effective = spread / self.variance if self.variance > 0 else float(self.num_prompts)
        effective = min(max(effective, 1.0), float(self.num_answers))
        if not at_every_look:
            return wilson(value, effective, self._quantile(at_every_look))
        errors = np.abs(_RATES - self.by_detector)
        least = (1 - self.weight) ** 2 * _RATES * (1 - _RATES) + self.weight**2 * errors * (
            1 - errors
        )
        variance = np.maximum(_RATES * (1 - _RATES) / effective, least / self.even_labels)
        beyond = np.abs(_RATES - value) - self._quantile(at_every_look) * np.sqrt(variance)
        return _where_negative(_RATES, beyond, value)

    def change_interval(self, at_every_look: bool = False) -> Interval:
        """Of a change between −1 and 1.

        As in Bonett and Price's interval one prompt for either side joins those with gold labels, or
        a sample in which nothing changed would claim that nothing ever does.
        """
        m = self.num_prompts
        share = m / (m + 2)
        labels_each = self.num_gold / m
        variance = share**2 * self.variance + 2 / labels_each / (m + 2) ** 2
        half = self._quantile(at_every_look) * np.sqrt(variance)
        value = share * self.value
        return Interval(max(float(value - half), -1.0), min(float(value + half), 1.0))

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

    def _quantile(self, at_every_look: bool) -> float:
        """Wider by Student's where answers to one prompt are alike, since the variance is then estimated."""
        quantile = sequence_quantile(self.num_prompts) if at_every_look else NORMAL
        if self.samples > 1 and self.num_gold > self.num_prompts:
            return quantile * student(self.num_prompts - 1) / NORMAL
        return quantile


def prediction_powered(
    judged: FloatArray, gold: FloatArray, chances: FloatArray | None = None
) -> Estimate | None:
    """The mean truth of k answers to each of M prompts; None with fewer than `LEAST_GOLD` labelled prompts.

    Args:
        judged: (M, k) what the detector says, or the difference of what it says of two models.
        gold: (M, k) the truth between 0 and 1 (−1 and 1 for differences); NaN where there is no label.
        chances: (M, k) the chance that each answer had of being labelled; equal ones if None.
    """
    has_gold = np.isfinite(gold)
    num_prompts = int(has_gold.any(axis=1).sum())
    if num_prompts < LEAST_GOLD:
        return None
    truth = np.where(has_gold, gold, 0.0)
    shares = has_gold / (np.ones_like(judged) if chances is None else chances)
    shares = shares / shares.sum()
    mean_truth = float((shares * truth).sum())
    gap = judged.mean() - float((shares * judged).sum())
    # Per prompt: how far it moves the mean of the labels, and the detector's gap between all and labelled.
    of_truth = (shares * (truth - mean_truth)).sum(axis=1)
    of_judged = (
        shares * (judged - (shares * judged).sum()) - (judged - judged.mean()) / judged.size
    ).sum(axis=1)
    power = float((of_judged**2).sum())
    weight = float(np.clip((of_truth @ of_judged) / power, 0, 1)) if power > 1e-15 else 0.0
    leverage = of_judged**2 / power if power > 1e-15 else np.zeros_like(of_judged)
    influence = (of_truth - weight * of_judged) / (1 - np.minimum(leverage, 0.9))
    count = len(judged)
    spread = float((shares * (truth - mean_truth) ** 2).sum())
    return Estimate(
        value=mean_truth + weight * float(gap),
        variance=count / (count - 1) * float((influence**2).sum()),
        by_detector=float(judged.mean()),
        even_labels=1 / float((shares**2).sum()),
        last_variance=spread / count,
        weight=weight,
        num_gold=int(has_gold.sum()),
        num_prompts=num_prompts,
        num_answers=judged.size,
        samples=judged.shape[1],
    )


def _where_negative(places: FloatArray, heights: FloatArray, inside: float) -> Interval:
    """From the first to the last zero of a line through these points, which is negative around `inside`."""
    within = np.flatnonzero(heights <= 0)
    if not len(within):
        return Interval(inside, inside)
    first, last = int(within[0]), int(within[-1])
    low, high = float(places[first]), float(places[last])
    if first:
        low -= float(
            heights[first] / (heights[first] - heights[first - 1]) * (places[1] - places[0])
        )
    if last < len(places) - 1:
        high += float(heights[last] / (heights[last] - heights[last + 1]) * (places[1] - places[0]))
    return Interval(min(low, inside), max(high, inside))
