"""Everything that a stage needs before its first step: token ids, adapter, reference, proof."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from peft import PeftModel

from grice_core.data.pairs import IntArray
from grice_core.dpo.base import BaseModel
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.encode import Encoding, encode_pairs
from grice_core.dpo.examples import HELDOUT, Compute, StageExamples
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.loss import maxim_weights
from grice_core.dpo.passes import InexactModelError, PassChoice, choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.preflight import PreflightReport, preflight
from grice_core.dpo.reference import ReferenceCache, config_hash, reference_logps, weights_hash
from grice_core.dpo.schedules import beta_at
from grice_core.dpo.targets import Reach, reach_of
from grice_core.dpo.train import StageTrainer
from grice_core.errors import DataError, PreflightError
from grice_core.kernels.memory import keep_freed_memory
from grice_core.kernels.token_logps import FrozenHead
from grice_core.pipeline.preference_shift import earlier_preferences
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.plan import PlannedStage
from grice_core.settings import settings


@dataclass(frozen=True, eq=False)
class EncodedStage:
    """A stage's pairs as token ids, without those that don't fit."""

    planned: PlannedStage
    encoding: Encoding
    """Of all pairs that the stage touches."""
    examples: StageExamples


@dataclass(frozen=True, eq=False)
class PreparedStage:
    """A stage whose reference is proven."""

    base: str
    """Hub id or folder of the base model, without the stages merged into it."""
    encoded: EncodedStage
    choice: PassChoice
    reach: Reach
    reference_sha256: str
    """Hash of the weights that the stage starts from."""
    proof: PreflightReport
    trainer: StageTrainer
    reference_s: float
    """Seconds that the reference pass took; next to none if its results were cached."""


def prepare_stage(base: BaseModel, job: StageJob, reporter: Reporter) -> PreparedStage:
    """Encode a stage's pairs, add its adapter to the base, and prove its reference.

    Raises: DataError, PreflightError, TrainingError, InterruptedRunError.
    """
    keep_freed_memory()
    encoded = encode_stage(base, job, reporter)
    examples = encoded.examples
    reference_sha256 = weights_hash(base.model)
    policy = add_adapter(base, job.config.lora, job.seed)
    head = prepacked_head(policy)
    choice = _passes(policy, examples, job, head)
    reporter.say(f"{job.name}: {choice.reason}")
    compute = Compute(job.device, job.dtype, choice.passes, TokenBudget(say=reporter.say), head)
    model = f"{reference_sha256} {config_hash(base.model)}"
    cache = ReferenceCache.of(settings().home / "cache" / "reference", model, compute)
    started = time.perf_counter()
    known = reference_logps(policy, examples.pairs, compute, cache, reporter.interruptible)
    reference_s = time.perf_counter() - started
    examples = replace(examples, earlier=earlier_preferences(base, job))
    trainer = StageTrainer(policy, job.config, examples, known, compute)
    proof = preflight(trainer.runner, beta_at(job.config, 0, encoded.planned.num_steps))
    reporter.say(
        f"{job.name}: reference proven on {len(proof.rows)} pairs: Δ = {proof.max_delta:g}, "
        f"weighted {job.config.loss_type} loss = {proof.loss:.4f} as expected"
    )
    return PreparedStage(
        base.name, encoded, choice, reach_of(policy), reference_sha256, proof, trainer, reference_s
    )


def _passes(
    policy: PeftModel, examples: StageExamples, job: StageJob, head: FrozenHead | None
) -> PassChoice:
    try:
        return choose_passes(policy, examples.pairs, job.dtype, head)
    except InexactModelError as error:
        if not job.earlier:
            raise
        last = job.earlier[-1].config.name  # the plain base was exact, or it would not have begun
        raise PreflightError(
            f"{job.name} can't begin: after {last} single rows {error.failure}, and before it they did not. "
            f"The training of {last} has diverged: lower its learning_rate"
        ) from error


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
