"""Which prompts' answers a stage fixed, broke or left as they were, the largest change first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel


@dataclass(frozen=True, eq=False)
class PromptGroup:
    """Answers to which the same thing happened."""

    what: str
    """`fixed by`, `broken by`, `still violated`, `all`."""
    stage: str
    """The stage that did it; empty where it is about all of them."""
    rows: IntArray
    """(n,) rows of the responses in every model, the largest change of score first."""

    @property
    def title(self) -> str:
        """`fixed by stage1`, as links and commands name it."""
        return f"{self.what} {self.stage}".rstrip()


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
        groups.append(_group("fixed by", fixed, size, after.name))
        groups.append(_group("broken by", broken, size, after.name))
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


def _group(what: str, chosen: BoolArray, size: FloatArray, stage: str = "") -> PromptGroup:
    rows = np.flatnonzero(chosen)
    return PromptGroup(what, stage, rows[np.argsort(-size[rows], kind="stable")])
