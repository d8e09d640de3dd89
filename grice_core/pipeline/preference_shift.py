"""Preference shifts on training pairs: measured when their stage has ended, and after each later stage."""

from typing import TYPE_CHECKING

import numpy as np

from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.examples import StagePreferences
from grice_core.dpo.schedules import final_beta
from grice_core.dpo.train import StageTrainer
from grice_core.evaluation.preference_shift import (
    PAIRS_FILE,
    PreferenceShift,
    read_shifts,
    write_shifts,
)
from grice_core.recipes.plan import PlannedStage

if TYPE_CHECKING:
    from grice_core.pipeline.stage_job import StageJob


def earlier_preferences(base: BaseModel, job: "StageJob") -> dict[str, StagePreferences]:
    """What the stages before were trained on, by their names, as far as they kept it.

    Raises: DataError, if what they kept is damaged.
    """
    found = {}
    for stage in job.earlier:
        path = job.output.stage(stage.config.name).path / PAIRS_FILE
        kept = read_shifts(path, stage.config.name)[0] if path.is_file() else None
        if kept is not None and kept.references is not None:
            found[stage.config.name] = _preferences_of(base, job, stage, kept)
    return found


def _preferences_of(
    base: BaseModel, job: "StageJob", stage: PlannedStage, kept: PreferenceShift
) -> StagePreferences:
    table = job.table.take(stage.train_indices)
    limit = min(stage.config.max_length, base.max_positions or stage.config.max_length)
    form = job.format_choice.of(base.tokenizer)
    encoding = encode_pairs(table, base.tokenizer, limit, form)
    pairs = {pair.row: pair for pair in encoding.pairs.values()}
    there = [place for place, row in enumerate(kept.rows) if row in pairs]
    assert kept.references is not None  # noqa: S101 - asked for above
    return StagePreferences(
        tuple(pairs[kept.rows[place]] for place in there),
        kept.data_margins[there],
        kept.references[there],
        final_beta(stage.config),
    )


def keep_preference_shifts(trainer: StageTrainer, job: "StageJob") -> None:
    """Write how far the policy has moved on its own training pairs, and on those of stages before."""
    every = {job.name: trainer.preferences(), **trainer.examples.earlier}
    shifts = [
        PreferenceShift(
            stage=stage,
            after=job.name,
            rows=tuple(pair.row for pair in preferences.pairs),
            data_margins=preferences.margins,
            reward_margins=trainer.reward_margins(preferences),
            references=np.asarray(preferences.reference),
        )
        for stage, preferences in every.items()
    ]
    write_shifts(job.output.stage(job.name).path / PAIRS_FILE, shifts)
