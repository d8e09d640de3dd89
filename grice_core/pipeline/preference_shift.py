"""What training pairs taught: looked at when their stage has ended, and after each stage that follows."""

from typing import TYPE_CHECKING

import numpy as np

from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.examples import Lesson
from grice_core.dpo.schedules import final_beta
from grice_core.dpo.train import StageTrainer
from grice_core.evaluation.taught import PAIRS_FILE, TaughtPairs, read_taught, write_taught
from grice_core.recipes.plan import PlannedStage

if TYPE_CHECKING:
    from grice_core.pipeline.stage_job import StageJob


def earlier_lessons(base: BaseModel, job: "StageJob") -> dict[str, Lesson]:
    """What the stages before were trained on, by their names, as far as they kept it.

    Raises: DataError, if what they kept is damaged.
    """
    found = {}
    for stage in job.earlier:
        path = job.output.stage(stage.config.name).path / PAIRS_FILE
        kept = read_taught(path, stage.config.name)[0] if path.is_file() else None
        if kept is not None and kept.references is not None:
            found[stage.config.name] = _lesson(base, job, stage, kept)
    return found


def _lesson(base: BaseModel, job: "StageJob", stage: PlannedStage, kept: TaughtPairs) -> Lesson:
    table = job.table.take(stage.train_indices)
    limit = min(stage.config.max_length, base.max_positions or stage.config.max_length)
    form = job.format_choice.of(base.tokenizer)
    encoding = encode_pairs(table, base.tokenizer, limit, form)
    pairs = {pair.row: pair for pair in encoding.pairs.values()}
    there = [place for place, row in enumerate(kept.rows) if row in pairs]
    assert kept.references is not None  # noqa: S101 - asked for above
    return Lesson(
        tuple(pairs[kept.rows[place]] for place in there),
        kept.data_margins[there],
        kept.references[there],
        final_beta(stage.config),
    )


def keep_taught(trainer: StageTrainer, job: "StageJob") -> None:
    """Write how far the policy has moved on its own training pairs, and on those of stages before."""
    lessons = {job.name: trainer.lesson(), **trainer.examples.earlier}
    taught = [
        TaughtPairs(
            stage=stage,
            after=job.name,
            rows=tuple(pair.row for pair in lesson.pairs),
            data_margins=lesson.margins,
            reward_margins=trainer.reward_margins(lesson),
            references=np.asarray(lesson.reference),
        )
        for stage, lesson in lessons.items()
    ]
    write_taught(job.output.stage(job.name).path / PAIRS_FILE, taught)
