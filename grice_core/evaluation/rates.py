"""How often a model violates each maxim, and how often none."""

from dataclasses import dataclass

from grice_core.evaluation.intervals import Interval, wilson_interval
from grice_core.evaluation.violations import MEASURES, EvaluatedModel


@dataclass(frozen=True)
class Rate:
    """Share of a model's responses."""

    count: int
    num_responses: int
    rate: float
    """A fraction."""
    interval: Interval


def model_rates(model: EvaluatedModel) -> dict[str, Rate]:
    """Each measure's rate with its Wilson interval."""
    outcomes = model.outcomes_of(list(model.rows_of_prompt))
    return {
        measure: Rate(
            count=int(outcomes[..., m].sum()),
            num_responses=len(model.responses),
            rate=float(outcomes[..., m].mean()),
            interval=wilson_interval(outcomes[..., m]),
        )
        for m, measure in enumerate(MEASURES)
    }
