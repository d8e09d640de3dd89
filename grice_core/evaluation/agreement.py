"""How often two judges, such as a person and the detector, say the same about an answer."""

from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.intervals import Interval, wilson_interval
from grice_core.evaluation.violations import MEASURES


@dataclass(frozen=True)
class Agreement:
    """Two judges on one measure."""

    measure: str
    num_agreed: int
    num_answers: int
    rate: float
    """num_agreed / num_answers."""
    interval: Interval
    """Answers to one prompt count as alike as they turn out to be."""
    kappa: float | None
    """Cohen's kappa: 1 for always, 0 for as often as chance would; None if both always say the same one thing."""


def agreements(person: BoolArray, detector: BoolArray) -> list[Agreement]:
    """Per measure of `MEASURES`, how often two judges agree.

    Args:
        person: (M, k, 4) whether each of k models' answers to each of M prompts violates each maxim.
        detector: The same, by the detector.

    Source of kappa: Cohen 1960 (doi 10.1177/001316446002000104).
    """
    return [
        agreement(measure, ours, theirs)
        for measure, ours, theirs in zip(
            MEASURES, _by_measure(person), _by_measure(detector), strict=True
        )
    ]


def _by_measure(violated: BoolArray) -> list[BoolArray]:
    """Five (M, k) arrays: each maxim's violations, and which answers violate none."""
    return [*np.moveaxis(violated, -1, 0), ~violated.any(axis=-1)]


def agreement(measure: str, one: BoolArray, other: BoolArray) -> Agreement:
    """How often two judges agree on one measure, from what they say of (M, k) answers."""
    agreed: FloatArray = (one == other).astype(np.float64)
    return Agreement(
        measure=measure,
        num_agreed=int(agreed.sum()),
        num_answers=agreed.size,
        rate=float(agreed.mean()),
        interval=wilson_interval(agreed),
        kappa=_kappa(one, other),
    )


def _kappa(person: BoolArray, detector: BoolArray) -> float | None:
    ours, theirs = float(person.mean()), float(detector.mean())
    by_chance = ours * theirs + (1 - ours) * (1 - theirs)
    if by_chance == 1:
        return None
    return (float((person == detector).mean()) - by_chance) / (1 - by_chance)
