"""A stage's pairs as token ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grice_core.data.pairs import IntArray
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import Encoding, encode_pairs
from grice_core.dpo.examples import HELDOUT, StageExamples
from grice_core.dpo.loss import maxim_weights
from grice_core.dpo.schedules import step_batches
from grice_core.errors import DataError
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.plan import PlannedStage


@dataclass(frozen=True, eq=False)
class EncodedStage:
    """A stage's pairs as token ids, without those that don't fit."""

    planned: PlannedStage
    encoding: Encoding
    """Of all pairs that the stage touches."""
    examples: StageExamples


def batches_of(encoded: EncodedStage, job: StageJob) -> list[IntArray]:
    """What each optimizer step sees, as indices into the examples."""
    train, planned = encoded.examples.train, encoded.planned
    places = step_batches(len(train), job.config.pairs_per_step, planned.num_steps, job.seed)
    return [train[batch] for batch in places]


def encode_stage(base: BaseModel, job: StageJob, reporter: Reporter) -> EncodedStage:
    """Token ids of all pairs that the stage trains on or watches.

    Raises: DataError, if too few of them fit; ModelError, if the model has no embedding for a token.
    """
    planned, config = job.planned, job.config
    touched = np.unique(np.concatenate([planned.train_indices, *_watched(job).values()]))
    limit = min(config.max_length, base.max_positions or config.max_length)
    form = job.format_choice.of(base.tokenizer)
    encoding = encode_pairs(job.table.take(touched), base.tokenizer, limit, form)
    if encoding.skipped_rows:
        reporter.say(
            f"{job.name}: {len(encoding.skipped_rows)} pairs skipped, since a response alone is "
            f"longer than {limit} tokens (rows {_some(encoding.skipped_rows)})"
        )
    base.check_ids(
        ids for pair in encoding.pairs.values() for ids in (pair.prompt, pair.chosen, pair.rejected)
    )
    if encoding.changed_rows:
        reporter.say(
            f"{job.name}: the chat template leaves out or changes part of a response's text in "
            f"{len(encoding.changed_rows)} pairs (rows {_some(encoding.changed_rows)})"
        )
    fitting = touched[sorted(encoding.pairs)]
    planned = replace(
        planned,
        train_indices=np.intersect1d(planned.train_indices, fitting),
        heldout_indices=np.intersect1d(planned.heldout_indices, fitting),
    )
    if not planned.fills_a_step:
        raise DataError(
            f"{job.name}: only {len(planned.train_indices)} pairs fit into {limit} tokens, fewer "
            f"than one optimizer step of {config.pairs_per_step}: raise max_length"
        )
    return EncodedStage(planned, encoding, _examples(job, planned, fitting, encoding))


def _watched(job: StageJob) -> dict[str, IntArray]:
    """Groups of held-out pairs, as indices into the table."""
    groups = {f"retention/{stage.config.name}": stage.heldout_indices for stage in job.earlier}
    return {HELDOUT: job.planned.heldout_indices} | groups


def _examples(
    job: StageJob, planned: PlannedStage, fitting: IntArray, encoding: Encoding
) -> StageExamples:
    """The pairs that fit, numbered 0 … n − 1, with margins and weights.

    `fitting` holds their ascending indices into the table.
    """
    margins = job.table.margins[fitting]

    def places(indices: IntArray) -> IntArray:
        return np.flatnonzero(np.isin(fitting, indices))

    return StageExamples(
        pairs=tuple(pair for _, pair in sorted(encoding.pairs.items())),
        margins=margins,
        shares=maxim_weights(margins, job.config.weights.as_array(), job.config.min_margin),
        train=places(planned.train_indices),
        watched={name: places(group) for name, group in _watched(job).items()},
    )


def _some(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:10]))
    return shown if len(rows) <= 10 else f"{shown}, …"
