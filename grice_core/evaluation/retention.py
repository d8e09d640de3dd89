"""What a stage left of the gains of the stages before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from grice_core.evaluation.violations import MEASURES, EvaluatedModel


@dataclass(frozen=True)
class Retention:
    """How many of the responses that were fixed before a stage are still fine after it."""

    measure: str
    before: str
    """The stage whose gains are counted."""
    after: str
    """The next stage, which may have lost them."""
    gained: int
    """Responses that the baseline had violated and `before` did not."""
    kept: int
    """Those of them that `after` does not violate either."""

    @property
    def share(self) -> float | None:
        """kept / gained; None where nothing had been gained."""
        return self.kept / self.gained if self.gained else None


def retention(models: Sequence[EvaluatedModel]) -> list[Retention]:
    """Per measure, for each stage after the first; the first model is the baseline.

    All models answer the same prompts in the same order, as those of one pipeline do.
    """
    baseline_bad = models[0].bad
    found = []
    for before, after in pairwise(models[1:]):
        gained = baseline_bad & ~before.bad
        kept = gained & ~after.bad
        for m, measure in enumerate(MEASURES):
            counts = int(gained[:, m].sum()), int(kept[:, m].sum())
            found.append(Retention(measure, before.name, after.name, *counts))
    return found
