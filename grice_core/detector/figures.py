"""Figures of agreement between probabilities and labels, for many weightings of the texts at once.

A bootstrap resample is a weighting: how often each text was drawn. All functions take (B, N)
weights and give (B,) figures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray

NUM_BINS = 10
_NUM_RESAMPLES = 1000
_MAX_WEIGHTS = 2_000_000
"""Held in memory at once."""

Figure = Callable[[FloatArray], FloatArray]
"""(B, N) weights to (B,) figures."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A detector's answers on N labelled texts about one maxim."""

    truth: BoolArray
    """(N,) violated according to the labels."""
    probabilities: FloatArray
    """(N,) violated according to the detector."""
    violated: BoolArray
    """(N,) probability above the threshold."""

    def precision(self, weights: FloatArray) -> FloatArray:
        """Share of what is called violated that is; 0 if nothing is called violated."""
        return _ratio(weights @ (self.truth & self.violated), weights @ self.violated)

    def recall(self, weights: FloatArray) -> FloatArray:
        """Share of what is violated that is called so; 0 if nothing is violated."""
        return _ratio(weights @ (self.truth & self.violated), weights @ self.truth)

    def f1(self, weights: FloatArray) -> FloatArray:
        """Harmonic mean of precision and recall; 0 if both are."""
        both = weights @ (self.truth & self.violated)
        return _ratio(2 * both, weights @ self.truth + weights @ self.violated)

    def auroc(self, weights: FloatArray) -> FloatArray:
        """How often a violated text has the higher probability of two, ties counting half.

        NaN where all texts of a weighting have the same label.
        """
        order = np.argsort(self.probabilities)
        starts = np.flatnonzero(np.diff(self.probabilities[order], prepend=-np.inf))
        positive = np.add.reduceat(weights[:, order] * self.truth[order], starts, axis=1)
        negative = np.add.reduceat(weights[:, order] * ~self.truth[order], starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative
        wins = (positive * (below + negative / 2)).sum(axis=1)
        return _ratio(wins, positive.sum(axis=1) * negative.sum(axis=1), default=np.nan)

    def ece(self, weights: FloatArray) -> FloatArray:
        """Expected calibration error: |mean probability − share violated|, mean over equal bins."""
        gaps = self.probabilities - self.truth
        bins = bin_numbers(self.probabilities)
        total = sum(np.abs(weights @ (gaps * (bins == number))) for number in range(NUM_BINS))
        return _ratio(np.asarray(total), weights.sum(axis=1))


def bin_numbers(probabilities: FloatArray) -> FloatArray:
    """(N,) in which of the ten equal bins of [0, 1] each probability lies."""
    numbers: FloatArray = np.minimum(np.floor(probabilities * NUM_BINS), NUM_BINS - 1)
    return numbers


def _ratio(numerator: FloatArray, denominator: FloatArray, default: float = 0.0) -> FloatArray:
    result = np.full(numerator.shape, default)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def interval(figure: Figure, groups: Sequence[str], seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval that resamples whole groups.

    The texts of a dialogue are not independent, so that resampling texts would promise too much.
    """
    figures = np.concatenate([figure(weights) for weights in _resamples(groups, seed)])
    low, high = np.nanpercentile(figures, [2.5, 97.5])
    return float(low), float(high)


def _resamples(groups: Sequence[str], seed: int) -> Iterator[FloatArray]:
    """(B, N) weightings: how often each text's group was drawn."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    num_groups = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    left = _NUM_RESAMPLES
    while left:
        size = min(left, max(1, _MAX_WEIGHTS // len(groups)))
        drawn = rng.multinomial(num_groups, np.full(num_groups, 1 / num_groups), size=size)
        yield drawn[:, group].astype(np.float64)
        left -= size
