"""How persons differ in what they call a violation, as a variance of what rests on their labels.

Noise of single labels is in a sample's own variance. What is not is that a person may be stricter than
another throughout: with all labels by one strict person each label errs to the same side. From
prompts that two persons judged, the variance between persons is estimated by the method of moments
(one-way random effects, Searle, Casella, McCulloch 1992, *Variance Components*, section 3.6), never below 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import FloatArray

LEAST_SHARED = 10
"""Prompts judged by two persons below which nothing is said about how persons differ."""


@dataclass(frozen=True)
class Differing:
    """How persons differ on one measure."""

    num_shared: int
    """Prompts judged by two persons, summed over pairs of persons."""
    variance: float
    """Between persons, of a person's mean label."""
    share: float
    """Of that variance, what the mean over these persons has: 1 for one person, ½ for two with equally many labels."""

    @property
    def of_mean(self) -> float:
        """The variance that persons add to an estimate."""
        return self.share * self.variance


def differing(labels: Sequence[FloatArray]) -> Differing | None:
    """How persons differ; None with fewer than `LEAST_SHARED` prompts that two of them judged.

    Args:
        labels: Per person (M, k) labels, or differences of labels; NaN where there is none.
    """
    excess = num_shared = 0.0
    for one, other in itertools.combinations(labels, 2):
        apart = one - other
        by_prompt = _mean_of_rows(apart[np.isfinite(apart).any(axis=1)])
        count = len(by_prompt)
        if count > 1:
            num_shared += count
            excess += count * (by_prompt.mean() ** 2 - by_prompt.var(ddof=1) / count)
    if num_shared < LEAST_SHARED:
        return None
    return Differing(int(num_shared), max(excess / num_shared / 2, 0.0), _share(labels))


def _share(labels: Sequence[FloatArray]) -> float:
    """Sum of squares of each person's part in all labels, where several judged one answer a part of it."""
    has_label = np.isfinite(np.stack(labels))
    parts = has_label / np.maximum(has_label.sum(axis=0), 1)
    of_person = parts.sum(axis=(1, 2))
    return float(((of_person / of_person.sum()) ** 2).sum())


def _mean_of_rows(values: FloatArray) -> FloatArray:
    means: FloatArray = np.nanmean(values, axis=1) if len(values) else np.empty(0)
    return means
