"""What the seed does: the same pipeline several times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.violations import MEASURES


@dataclass(frozen=True)
class Spread:
    """One measure of one model over several seeds; rates as fractions."""

    measure: str
    model: str
    rates: tuple[float, ...]
    """One per seed."""
    mean: float
    sd: float
    """Standard deviation between seeds (n − 1 in the denominator)."""


def spread_over_seeds(evaluations: Sequence[StoredEvaluation]) -> list[Spread]:
    """Per measure and model.

    Args:
        evaluations: Two or more of one recipe on one data set, with different seeds.
    """
    names = [model.name for model in evaluations[0].models]
    return [
        _spread(measure, name, [one.models[place].rates[measure] for one in evaluations])
        for measure in MEASURES
        for place, name in enumerate(names)
    ]


def _spread(measure: str, model: str, rates: Sequence[float]) -> Spread:
    return Spread(measure, model, tuple(rates), float(np.mean(rates)), float(np.std(rates, ddof=1)))
