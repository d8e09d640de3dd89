"""Everything that can be said about one or several pipelines, tested together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from grice_core.evaluation.comparison import (
    CorrectedChange,
    between_pipelines,
    compared,
    corrected,
)
from grice_core.evaluation.fooled import Fooled, JudgesCompared
from grice_core.evaluation.retention import Retention, retention
from grice_core.evaluation.second_judge import judges_of, verdict_of
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.table import ComparisonRow, comparison_rows
from grice_core.evaluation.texts import TextComparison, compare_texts, texts_between
from grice_core.evaluation.verdict import Verdict


@dataclass(frozen=True, eq=False)
class PipelineView:
    """One pipeline."""

    stored: StoredEvaluation
    verdict: Verdict
    changes: tuple[CorrectedChange, ...]
    """Of each stage from the baseline and from the stage before it."""
    retention: tuple[Retention, ...]
    texts: TextComparison
    judges: tuple[JudgesCompared, ...] = ()
    """Of each stage; empty without a second judge."""

    @property
    def rows(self) -> list[ComparisonRow]:
        """The table of rates, by the training judge."""
        return comparison_rows(self.stored.models, self.changes)

    @property
    def second_rows(self) -> list[ComparisonRow]:
        """The same by the second judge; empty where there is none."""
        if self.stored.second is None:
            return []
        changes = [each.by_second_judge for each in self.judges]
        return comparison_rows(self.stored.second.models, changes)

    @property
    def alarms(self) -> list[JudgesCompared]:
        """Where the training judge was fooled."""
        return [each for each in self.judges if each.fooled is not Fooled.NO]


@dataclass(frozen=True, eq=False)
class Overview:
    """Pipelines beside each other; all their changes are corrected together."""

    pipelines: tuple[PipelineView, ...]
    between: tuple[CorrectedChange, ...]
    """Of each further pipeline's last model from the first pipeline's last model."""
    texts_between: tuple[TextComparison, ...]
    """The same of the answers themselves, one per further pipeline."""


def overview(stored: Sequence[StoredEvaluation]) -> Overview:
    """Compare within each pipeline, and each further pipeline with the first one.

    Raises:
        DataError: Two pipelines have no evaluation prompt in common.
    """
    within = [compared(evaluation.models) for evaluation in stored]
    first = stored[0]
    between = [
        change
        for other in stored[1:]
        for change in between_pipelines(
            (first.name, first.models[-1]), (other.name, other.models[-1])
        )
    ]
    # One correction over everything that is shown, dealt out again in the same order.
    tested = iter(corrected([change for part in (*within, between) for change in part]))
    return Overview(
        pipelines=tuple(
            PipelineView(
                stored=evaluation,
                verdict=verdict_of(evaluation),
                changes=tuple(next(tested) for _ in changes),
                retention=tuple(retention(evaluation.models)),
                texts=compare_texts(evaluation.models),
                judges=tuple(judges_of(evaluation)),
            )
            for evaluation, changes in zip(stored, within, strict=True)
        ),
        between=tuple(tested),
        texts_between=tuple(
            texts_between((first.name, first.models[-1]), (other.name, other.models[-1]))
            for other in stored[1:]
        ),
    )


def overview_document(found: Overview) -> dict[str, Any]:
    """The overview as plain data; rates and differences are fractions."""
    return {
        "pipelines": [_pipeline_document(view) for view in found.pipelines],
        "between": [change.document() for change in found.between],
        "texts_between": [texts.document() for texts in found.texts_between],
    }


def _pipeline_document(view: PipelineView) -> dict[str, Any]:
    """What evaluation.json says, with this overview's correction, and where it comes from."""
    return {
        "folder": view.stored.name,
        "recipe": view.stored.recipe,
        "seed": view.stored.seed,
        **view.stored.document,
        "verdict": asdict(view.verdict),
        "changes": [change.document() for change in view.changes],
        "texts": view.texts.document(),
        "taught": [
            {
                "stage": pairs.stage,
                "after": pairs.after,
                "num_pairs": len(pairs.rows),
                "accuracy": pairs.accuracy,
                "rank_correlations": pairs.correlations(),
            }
            for pairs in view.stored.preference_shifts
        ],
    }
