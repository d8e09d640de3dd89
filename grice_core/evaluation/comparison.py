"""All changes that are shown together, and so corrected together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from grice_core.evaluation.paired import PairedChange, paired_changes
from grice_core.evaluation.power import ALPHA, detectable_change
from grice_core.evaluation.violations import EvaluatedModel


@dataclass(frozen=True)
class CorrectedChange:
    """A change, and what its test says among all tests shown."""

    change: PairedChange
    p_holm: float
    """The p-value, corrected over all tests shown (Holm 1979)."""
    num_tests: int
    """How many those are."""

    @cached_property
    def detectable(self) -> float | None:
        """The smallest true change that this many prompts show with 80 % power, as a fraction."""
        return _detectable(self.change)

    @property
    def stars(self) -> str:
        """`***` below 0.001, `**` below 0.01, `*` below 0.05, after correction."""
        return "*" * sum(self.p_holm < level for level in (0.001, 0.01, ALPHA))

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **asdict(self.change),
            "p_holm": self.p_holm,
            "num_tests": self.num_tests,
            "smallest_detectable": self.detectable,
        }


def compared(models: Sequence[EvaluatedModel]) -> list[PairedChange]:
    """Every measure's change of each stage from the baseline and from the stage before it."""
    pairs = [(models[0], model) for model in models[1:]] + list(pairwise(models[1:]))
    return [change for pair in pairs for change in paired_changes(*pair).values()]


def between_pipelines(
    first: tuple[str, EvaluatedModel], second: tuple[str, EvaluatedModel]
) -> list[PairedChange]:
    """Every measure's change from one pipeline's model to another's, each with its pipeline's name."""
    before, after = (
        replace(model, name=f"{pipeline}: {model.name}") for pipeline, model in (first, second)
    )
    return list(paired_changes(before, after).values())


def corrected(changes: Sequence[PairedChange]) -> list[CorrectedChange]:
    """Correct the p-values of all these changes together, by Holm's method."""
    adjusted = holm([change.p_value for change in changes])
    return [
        CorrectedChange(change, p_holm, len(changes))
        for change, p_holm in zip(changes, adjusted, strict=True)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, corrected together so that the chance of any false finding stays below the level.

    Source: Holm 1979 (jstor 4615733).
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(factors * np.asarray(p_values)[order])
    return [float(each) for each in np.minimum(adjusted, 1.0)]


def _detectable(change: PairedChange) -> float | None:
    """In rates: with several samples per prompt a prompt that differs moves by less than 1."""
    differing = change.prompts_up + change.prompts_down
    found = detectable_change(change.num_prompts, differing / change.num_prompts)
    return None if found is None else found * change.mean_size
