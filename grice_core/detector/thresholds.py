"""Where a probability becomes a verdict: by F1, or for a wanted precision."""

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.maxims import MAXIMS


def best_f1_threshold(probabilities: FloatArray, truth: BoolArray) -> float:
    """The threshold of best F1: half way between two neighbouring probabilities.

    Probabilities 0.2, 0.6, 0.8 with labels 0, 1, 1 give 0.4.
    """
    candidates, hits, called = _cuts(probabilities, truth)
    f1 = 2 * hits / (called + truth.sum())
    return _inside(candidates[int(np.argmax(f1))])


def best_f1_thresholds(probabilities: FloatArray, labels: FloatArray) -> FloatArray:
    """(4,) each maxim's threshold of best F1, for (N, 4) probabilities and labels of 0 or 1."""
    columns = [maxim.column for maxim in MAXIMS]
    return np.array([best_f1_threshold(probabilities[:, c], labels[:, c] == 1) for c in columns])


def precision_threshold(probabilities: FloatArray, truth: BoolArray, wanted: float) -> float | None:
    """The lowest threshold (so the most recall) with at least this precision; None if none has."""
    candidates, hits, called = _cuts(probabilities, truth)
    enough = np.flatnonzero(hits / called >= wanted)
    return _inside(candidates[enough[-1]]) if len(enough) else None


def _cuts(probabilities: FloatArray, truth: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Thresholds from high to low, and at each the hits and how many texts are called violated."""
    order = np.argsort(-probabilities)
    ranked = probabilities[order]
    last = np.flatnonzero(np.diff(ranked, append=-1.0))  # the last of each run of equal ones
    below = np.append(ranked[1:], 0.0)
    candidates: FloatArray = (ranked[last] + below[last]) / 2
    hits = np.cumsum(truth[order])[last].astype(np.float64)
    return candidates, hits, (last + 1).astype(np.float64)


def _inside(threshold: float) -> float:
    """A threshold other than 0 and 1, even where all probabilities are one of these."""
    return float(np.clip(threshold, 1e-6, 1 - 1e-6))
