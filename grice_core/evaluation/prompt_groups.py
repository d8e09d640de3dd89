"""Which prompts' answers a stage fixed, broke or left as they were, the largest change first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel


@dataclass(frozen=True, eq=False)
class PromptGroup:
    """Answers to which the same thing happened."""

    title: str
    """`fixed by stage1`, `broken by stage2`, `still violated`, `all`."""
    rows: IntArray
    """(n,) rows of the responses in every model, the largest change of score first."""


def prompt_groups(
    models: Sequence[EvaluatedModel], measure: str = COOPERATIVE
) -> tuple[PromptGroup, ...]:
    """Group the rows by what each stage did to them, on one measure.

    Each stage is held against the model before it; `still violated` means by every model. Groups may
    share rows: what stage 1 fixes stage 2 can break.

    Args:
        models: The baseline, then each stage; all answer the same prompts in the same order.
        measure: A maxim, or `cooperative`, which is violated if any maxim is.
    """
    column = MEASURES.index(measure)
    bad = [model.bad[:, column] for model in models]
    scores = [_scores(model, measure) for model in models]
    groups = []
    for index, after in enumerate(models[1:]):
        size = np.abs(scores[index + 1] - scores[index])
        fixed, broken = bad[index] & ~bad[index + 1], ~bad[index] & bad[index + 1]
        groups.append(_group(f"fixed by {after.name}", fixed, size))
        groups.append(_group(f"broken by {after.name}", broken, size))
    overall = np.abs(scores[-1] - scores[0])
    groups.append(_group("still violated", np.logical_and.reduce(bad), scores[-1]))
    groups.append(_group("all", np.ones(len(overall), dtype=bool), overall))
    return tuple(groups)


def _scores(model: EvaluatedModel, measure: str) -> FloatArray:
    """(N,) the maxim's score; for `cooperative` that of the maxim violated worst."""
    if measure == COOPERATIVE:
        worst: FloatArray = model.scores.max(axis=1)
        return worst
    return model.scores[:, MEASURES.index(measure)]


def _group(title: str, chosen: BoolArray, size: FloatArray) -> PromptGroup:
    rows = np.flatnonzero(chosen)
    return PromptGroup(title, rows[np.argsort(-size[rows], kind="stable")])
