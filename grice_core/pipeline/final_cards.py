"""The model cards of a finished pipeline: what each stage's pairs teach, and how its model was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.chat.format import PromptFormat
from grice_core.data.pairs import PairTable
from grice_core.detector.judge import Detector
from grice_core.evaluation.reach import reach_of
from grice_core.evaluation.results import Evaluation
from grice_core.pipeline.card import results_section, write_stage_card
from grice_core.pipeline.kept_steps import kept_steps_section
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.taught import taught_section
from grice_core.recipes.plan import PlannedStage


@dataclass(frozen=True, eq=False)
class CardFacts:
    """What all cards of a pipeline say."""

    base: str
    base_dtype: BaseDtype
    form: PromptFormat
    judge: Detector
    stages: Sequence[Mapping[str, Any]]
    """What run.json says of each trained stage."""
    rounds: Sequence[Mapping[str, Any]]
    """What became of the stages that take their pairs from the model."""


def write_final_cards(
    output: OutputFolder,
    planned: Sequence[PlannedStage],
    table: PairTable,
    evaluation: Evaluation,
    about: CardFacts,
) -> None:
    """Write each adapter's card anew, now that it was judged; `planned` are the stages that count."""
    stages = [stage.config for stage in planned]
    reach = reach_of(table, about.judge.thresholds)
    reached = reach.sentence(evaluation.config) if reach else ""
    for number, stage in enumerate(stages, 1):
        names = {each.name for each in stages[:number]}
        write_stage_card(
            output.stage(stage.name).final_model,
            stages[:number],
            about.base,
            about.form,
            kept_steps_section(about.stages, names)
            + taught_section(planned[:number], table, reached),
            _rounds_section(about.rounds, names)
            + results_section(evaluation, number, about.judge.record.fingerprint),
            sampling=evaluation.config,
            base_dtype=about.base_dtype,
        )


def _rounds_section(rounds: Sequence[Mapping[str, Any]], held: set[str]) -> str:
    """What was sampled and why it ended, if the adapter holds a round."""
    if not any(each["name"] in held for each in rounds):
        return ""
    lines = "".join(
        f"- {each['name']}: {sentence}.\n" for each in rounds for sentence in each["said"]
    )
    return f"## Pairs of the model's own answers\n\n{lines}\n"
