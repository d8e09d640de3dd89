"""What persons have judged of a pipeline's answers, and what to judge next."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.app_pages.compare.blind import labels_of
from app.state.session import studio
from grice_core.evaluation.gold import GoldLabels
from grice_core.evaluation.judging_plan import JudgedPair, JudgingPlan, judging_plan
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig
from grice_core.store import votes
from grice_core.store.votes import JudgedAnswer


@dataclass(frozen=True, eq=False)
class Judged:
    """All persons' judgements of one pipeline."""

    answers: Sequence[JudgedAnswer]
    labels: GoldLabels


def judged_by_persons(run_id: int, models: Sequence[EvaluatedModel]) -> Judged:
    """Read them; prompts count by the chance with which they were picked."""
    database = studio().database
    answers = votes.judged_answers(database, run_id)
    picked = votes.picked(database, run_id, deciding(models))
    return Judged(answers, labels_of(answers, picked, models[0].num_prompts))


def deciding(models: Sequence[EvaluatedModel]) -> list[str]:
    """The models whose answers the verdict is about: the baseline and the last."""
    return [models[0].name, models[-1].name]


def plan_of(
    judged: Judged, models: Sequence[EvaluatedModel], config: EvaluationConfig
) -> JudgingPlan:
    """Which answers to judge next, and how many more."""
    return judging_plan(JudgedPair.of(models, judged.labels), config)
