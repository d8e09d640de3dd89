"""How often a model violates each maxim, and how often none."""

from collections.abc import Sequence
from dataclasses import dataclass

from grice_core.evaluation.intervals import Interval, wilson_interval
from grice_core.evaluation.violations import MEASURES, EvaluatedModel

LEAST_PROMPTS = 100
"""Prompts below which intervals of rates near 0 and 1 hold the truth too seldom; docs/statistics.md has the figures."""


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


def few_prompts(models: Sequence[EvaluatedModel]) -> list[str]:
    """A warning where there are too few prompts for intervals to hold what they promise."""
    num_prompts = models[0].num_prompts
    if num_prompts >= LEAST_PROMPTS:
        return []
    return [
        f"With {num_prompts:,} prompts, fewer than {LEAST_PROMPTS}, 95 % intervals of rates near 0 or 100 % hold "
        "the truth less often than that: 90 % was seen."
    ]
