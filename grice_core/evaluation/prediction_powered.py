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
"""

from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import NORMAL, Interval, student, wilson

LEAST_GOLD = 10
"""Labelled prompts below which nothing is estimated."""


@dataclass(frozen=True)
class Estimate:
    """A mean over all answers, resting on gold labels."""

    value: float
    variance: float
    """Of the value, over prompts."""
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

    def rate_interval(self) -> Interval:
        """Of a rate between 0 and 1: Wilson's interval for the effective number of labels."""
        value = min(max(self.value, 0.0), 1.0)
        spread = value * (1 - value)
        effective = spread / self.variance if self.variance > 0 else float(self.num_prompts)
        effective = min(max(effective, 1.0), float(self.num_answers))
        return wilson(value, effective, self._quantile())

    def change_interval(self) -> Interval:
        """Of a change between −1 and 1.

        As in Bonett and Price's interval one prompt for either side joins those with gold labels, or
        a sample in which nothing changed would claim that nothing ever does.
        """
        m = self.num_prompts
        share = m / (m + 2)
        variance = share**2 * self.variance + 2 / self.samples / (m + 2) ** 2
        half = self._quantile() * np.sqrt(variance)
        value = share * self.value
        return Interval(max(float(value - half), -1.0), min(float(value + half), 1.0))

    def _quantile(self) -> float:
        """Student's where answers to one prompt are alike, since the variance is then estimated."""
        if self.samples > 1 and self.num_gold > self.num_prompts:
            return student(self.num_prompts - 1)
        return NORMAL


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
    return Estimate(
        value=mean_truth + weight * float(gap),
        variance=count / (count - 1) * float((influence**2).sum()),
        weight=weight,
        num_gold=int(has_gold.sum()),
        num_prompts=num_prompts,
        num_answers=judged.size,
        samples=judged.shape[1],
    )
