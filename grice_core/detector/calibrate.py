"""Probabilities that mean what they say, and thresholds that are chosen rather than assumed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.detector.figures import Verdicts
from grice_core.detector.record import Temperatures, Thresholds
from grice_core.detector.thresholds import best_f1_threshold, precision_threshold
from grice_core.maxims import MAXIMS, Maxim

LOWEST, HIGHEST = 0.05, 20.0
"""Bounds of the search for a temperature."""
_NUM_FOLDS = 5


@dataclass(frozen=True)
class Fit:
    """How well probabilities fit labels."""

    log_loss: float
    """Mean of −log P(right answer), in nats."""
    ece: float


@dataclass(frozen=True, eq=False)
class MaximCalibration:
    """What was found for one maxim."""

    temperature: float
    threshold: float
    before: Fit
    """With the temperature that the detector had."""
    after: Fit
    """Of the cross-fitted probabilities, so that it is no self-praise."""
    probabilities: FloatArray
    """(N,) cross-fitted: each text's temperature was found on the other dialogues."""
    violated: BoolArray
    """(N,) verdicts by a threshold that was found on the other dialogues."""
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Calibration:
    """New temperatures and thresholds, and what they bring."""

    maxims: dict[Maxim, MaximCalibration]

    @property
    def temperatures(self) -> Temperatures:
        return Temperatures.model_validate({m: one.temperature for m, one in self.maxims.items()})

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds.model_validate({m: one.threshold for m, one in self.maxims.items()})

    @property
    def probabilities(self) -> FloatArray:
        """(N, 4) cross-fitted."""
        return np.column_stack([self.maxims[maxim].probabilities for maxim in MAXIMS])

    @property
    def violated(self) -> BoolArray:
        """(N, 4) cross-fitted."""
        return np.column_stack([self.maxims[maxim].violated for maxim in MAXIMS])

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(remark for one in self.maxims.values() for remark in one.remarks)


def calibrate(
    logits: FloatArray,
    labels: FloatArray,
    groups: Sequence[str],
    before: Temperatures,
    precision: float | None = None,
) -> Calibration:
    """Find one temperature per maxim by log-loss, then a threshold by F1 or for a wanted precision.

    `logits` and `labels` are (N, 4), `groups` the N texts' dialogues. A maxim whose labels are all
    the same keeps its temperature and gets the threshold 0.5.

    Source: arXiv 1706.04599 (temperature scaling).
    """
    folds = _folds(groups)
    maxims = {}
    for maxim in MAXIMS:
        truth = labels[:, maxim.column] == 1
        search = _Search(maxim, before.as_array()[maxim.column], precision)
        maxims[maxim] = search.run(logits[:, maxim.column], truth, folds)
    return Calibration(maxims)


def _folds(groups: Sequence[str]) -> IntArray:
    """(N,) a fold for each text, the same for all texts of a dialogue."""
    digests = (hashlib.sha256(group.encode()).digest() for group in groups)
    return np.array([digest[0] % _NUM_FOLDS for digest in digests], dtype=np.int64)


@dataclass(frozen=True)
class _Search:
    """For one maxim's temperature and threshold."""

    maxim: Maxim
    old_temperature: float
    wanted_precision: float | None

    def run(self, logits: FloatArray, truth: BoolArray, folds: IntArray) -> MaximCalibration:
        """On all texts; and for the figures, on all folds but one."""
        temperature, threshold = self._best(logits, truth)
        probabilities, violated = np.empty(len(logits)), np.empty(len(logits), dtype=np.bool_)
        for fold in np.unique(folds):
            inside = folds == fold
            others_temperature, others_threshold = self._best(logits[~inside], truth[~inside])
            probabilities[inside] = expit(logits[inside] / others_temperature)
            violated[inside] = probabilities[inside] > others_threshold
        before = fit_of(expit(logits / self.old_temperature), truth)
        after = fit_of(probabilities, truth)
        remarks = self._remarks(logits, truth, temperature)
        # The old temperature may have been found on these very texts, which is hard to beat.
        to_beat = max(before.log_loss, fit_of(expit(logits), truth).log_loss)
        if after.log_loss > to_beat and not remarks:
            remarks = (f"Too few labels of {self.maxim} to calibrate it: log-loss got no better.",)
        return MaximCalibration(
            temperature, threshold, before, after, probabilities, violated, remarks
        )

    def _best(self, logits: FloatArray, truth: BoolArray) -> tuple[float, float]:
        """Temperature and threshold; the old one and 0.5 where the labels say nothing."""
        if _one_sided(truth):
            return self.old_temperature, 0.5
        temperature = best_temperature(logits, truth)
        probabilities = expit(logits / temperature)
        threshold = None
        if self.wanted_precision is not None:
            threshold = precision_threshold(probabilities, truth, self.wanted_precision)
        return temperature, threshold or best_f1_threshold(probabilities, truth)

    def _remarks(self, logits: FloatArray, truth: BoolArray, temperature: float) -> tuple[str, ...]:
        if _one_sided(truth):
            return (f"All labels of {self.maxim} are the same: its temperature was left alone.",)
        remarks = []
        if not LOWEST * 1.01 < temperature < HIGHEST * 0.99:
            remarks.append(
                f"The temperature of {self.maxim} is at the bound of the search "
                f"({temperature:.2f}): no temperature makes its probabilities right."
            )
        wanted = self.wanted_precision
        if wanted is not None:
            probabilities = expit(logits / temperature)
            if precision_threshold(probabilities, truth, wanted) is None:
                remarks.append(
                    f"No threshold gives {self.maxim} a precision of {wanted:g}; it has that of "
                    "best F1."
                )
        return tuple(remarks)


def _one_sided(truth: BoolArray) -> bool:
    return bool(truth.all() or not truth.any())


def best_temperature(logits: FloatArray, truth: BoolArray) -> float:
    """The temperature of least log-loss within the bounds, for (N,) logits and labels."""
    from scipy.optimize import minimize_scalar  # 0.2 s to load, which most processes never need

    signed = np.where(truth, -logits, logits)

    def log_loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, signed / np.exp(log_temperature)).mean())

    # Log-loss is convex in 1/T, so it has a single valley in log T too.
    found = minimize_scalar(log_loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return float(np.exp(found.x))


def fit_of(probabilities: FloatArray, truth: BoolArray) -> Fit:
    """Log-loss (finite even for a certain and wrong answer) and ECE of (N,) probabilities."""
    right = np.where(truth, probabilities, 1 - probabilities)
    verdicts = Verdicts(truth, probabilities, probabilities > 0.5)
    return Fit(
        log_loss=float(-np.log(np.maximum(right, 1e-15)).mean()),
        ece=float(verdicts.ece(np.ones((1, len(truth))))[0]),
    )
