"""What the data's own responses would score: where even the chosen ones miss the success criterion,
training towards them can't be expected to meet it."""

from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, PairTable
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.violations import COOPERATIVE, MEASURES
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

USUAL_THRESHOLDS: FloatArray = np.full(len(MAXIMS), 0.5)
"""(4,) of a detector that was not calibrated."""
_OFTEN = 0.5
"""A maxim that chosen responses violate more often than this is named."""


@dataclass(frozen=True)
class Reach:
    """Rates of the scored pairs' responses, as fractions, by `MEASURES`."""

    num_pairs: int
    chosen: dict[str, float]
    rejected: dict[str, float]

    def is_met(self, criterion: EvaluationConfig) -> bool:
        """Whether the chosen responses reach the cooperative rate that the last stage must reach."""
        return self.chosen[COOPERATIVE] >= criterion.min_cooperative

    def sentence(self, criterion: EvaluationConfig) -> str:
        """How cooperative the data's own responses are, and what that means for the criterion."""
        rates = (
            f"the data's own chosen responses are {percent(self.chosen[COOPERATIVE])} cooperative, "
            f"the rejected {percent(self.rejected[COOPERATIVE])}"
        )
        if self.is_met(criterion):
            return rates
        often = [
            f"{maxim} violated {percent(self.chosen[maxim])}"
            for maxim in MAXIMS
            if self.chosen[maxim] > _OFTEN
        ]
        named = f" (chosen: {', '.join(often)})" if often else ""
        return (
            f"{rates}{named}: the success criterion of {100 * criterion.min_cooperative:g} % can't be "
            "expected to be met"
        )


def reach_of(table: PairTable, thresholds: FloatArray = USUAL_THRESHOLDS) -> Reach | None:
    """Rates of chosen and rejected responses under their own scores; None if no pair is scored.

    Args:
        thresholds: (4,) a score above its maxim's threshold is a violation.
    """
    scored = table.scored
    if not scored.any():
        return None
    rates = (
        _rates(scores[scored] > thresholds)
        for scores in (table.chosen_scores, table.rejected_scores)
    )
    return Reach(int(scored.sum()), *rates)


def _rates(violated: BoolArray) -> dict[str, float]:
    outcomes = np.column_stack([violated, ~violated.any(axis=1)])
    return dict(zip(MEASURES, outcomes.mean(axis=0).tolist(), strict=True))
