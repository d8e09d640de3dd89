"""How likely each answer violates each maxim, from the detector's scores and the labels so far."""

import numpy as np

from grice_core.data.pairs import FloatArray

_NUM_STEPS = 6
_TRUST = (1.0, 4.0)
"""Precisions of the prior: intercept 0 and slope 1, which is the detector's own word."""
_FARTHEST = 6.0
"""Log-odds beyond which a score says no more."""


def violation_chances(scores: FloatArray, thresholds: FloatArray, labels: FloatArray) -> FloatArray:
    """Recalibrate a detector on the labels there are, by one logistic regression per column.

    Without labels a score at its threshold stands for ½. A few Newton steps from there, each bounded,
    under a prior that takes the detector at its word, suffice for choosing what to judge next; no
    estimate rests on them.

    Args:
        scores: (M, C) the detector's scores.
        thresholds: (C,) above which it calls a violation.
        labels: (M, C) 1 for violated, NaN without a label.

    Returns:
        (M, C) probabilities.
    """
    odds = np.clip(_logit(scores) - _logit(thresholds), -_FARTHEST, _FARTHEST)
    has_label = np.isfinite(labels)
    truth = np.where(has_label, labels, 0.0)
    intercept, slope = np.zeros(odds.shape[1]), np.ones(odds.shape[1])
    for _ in range(_NUM_STEPS):
        chances = _logistic(intercept + slope * odds)
        error = has_label * (truth - chances)
        curve = has_label * chances * (1 - chances)
        gradient = (
            error.sum(0) - _TRUST[0] * intercept,
            (error * odds).sum(0) - _TRUST[1] * (slope - 1),
        )
        a, b, c = (
            curve.sum(0) + _TRUST[0],
            (curve * odds).sum(0),
            (curve * odds**2).sum(0) + _TRUST[1],
        )
        determinant = a * c - b**2
        intercept += np.clip((c * gradient[0] - b * gradient[1]) / determinant, -2, 2)
        slope = np.maximum(
            slope + np.clip((a * gradient[1] - b * gradient[0]) / determinant, -1, 1), 0
        )
    return _logistic(intercept + slope * odds)


def _logistic(odds: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _logit(chances: FloatArray) -> FloatArray:
    inside = np.clip(chances, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))
