"""A pipeline's view, made of models whose violations are written down by hand."""

from pathlib import Path

from grice_core.evaluation.overview import PipelineView, overview
from grice_core.evaluation.second_judge import SecondOpinion
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.violations import EvaluatedModel
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged

PROMPTS = [f"Tell me of bridge {i}." for i in range(6)]


def three_models() -> tuple[EvaluatedModel, ...]:
    """Stage 1 fixes prompts 0 and 1; stage 2 fixes 2 and breaks 4; 3 stays bad, 5 stays fine."""
    return (
        judged("baseline", ["r", "qm", "t", "m", "-", "-"], PROMPTS),
        judged("stage1", ["-", "-", "t", "m", "-", "-"], PROMPTS),
        judged("stage2", ["-", "-", "-", "m", "q", "-"], PROMPTS),
    )


def view_of(
    folder: Path,
    *models: EvaluatedModel,
    recipe: str = "demo",
    second: SecondOpinion | None = None,
) -> PipelineView:
    """The view of a pipeline that left its evaluation in this folder."""
    stored = read_evaluation(evaluated_folder(folder, *models, recipe=recipe, second=second))
    return overview([stored]).pipelines[0]


def stricter_judge() -> SecondOpinion:
    """Of the answers of `three_models`: it faults the manner of all that stage 2 gives."""
    *earlier, last = three_models()
    return SecondOpinion(
        "rules & ties", "ab" * 32, (*earlier, judged(last.name, ["m"] * 6, PROMPTS))
    )
