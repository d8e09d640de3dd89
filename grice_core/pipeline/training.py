"""One stage of a pipeline: adapter, reference, proof, training, results on disk."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from peft import PeftModel

from grice_core.data.pairs import IntArray, PairTable
from grice_core.dpo.adapters import adapter_of, compose, load_adapter, save_adapter
from grice_core.dpo.checkpoint import CheckpointFolder
from grice_core.dpo.encode import Encoding, encode_pairs
from grice_core.dpo.examples import HELDOUT, Compute, StageExamples
from grice_core.dpo.history import HistoryFile
from grice_core.dpo.loss import maxim_weights
from grice_core.dpo.passes import choose_passes
from grice_core.dpo.policy import BaseModel, add_adapter
from grice_core.dpo.preflight import preflight
from grice_core.dpo.reference import ReferenceCache, reference_logps, weights_hash
from grice_core.dpo.resume import CheckpointPlan
from grice_core.dpo.schedules import beta_at
from grice_core.dpo.train import StageTrainer
from grice_core.errors import DataError
from grice_core.evaluation.taught import PAIRS_FILE
from grice_core.files import write_text_atomic
from grice_core.maxims import MAXIMS
from grice_core.pipeline.card import write_stage_card
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.watching import StageWatch
from grice_core.recipes.config import StageConfig
from grice_core.recipes.plan import PlannedStage
from grice_core.settings import settings


@dataclass(frozen=True, eq=False)
class StageJob:
    """One stage to train, and what came before it."""

    planned: PlannedStage
    earlier: tuple[PlannedStage, ...]
    """Stages already merged into the base; their held-out pairs are watched for retention."""
    table: PairTable
    output: OutputFolder
    seed: int
    device: torch.device
    dtype: torch.dtype

    @property
    def config(self) -> StageConfig:
        return self.planned.config

    @property
    def name(self) -> str:
        return self.planned.config.name


def train_stage(base: BaseModel, job: StageJob, reporter: Reporter) -> dict[str, Any]:
    """Train one stage's adapter on its base and write the stage's folder.

    The base's weights stay as they are. Returns the stage's record for run.json.

    Raises: DataError, PreflightError, TrainingError, InterruptedRunError.
    """
    started = time.perf_counter()
    encoded = _encode(base, job, reporter)
    planned, encoding = encoded.planned, encoded.encoding
    examples = _examples(job, encoded)
    choice = choose_passes(base.model, examples.pairs)
    reporter.say(f"{job.name}: {choice.reason}")
    compute = Compute(job.device, job.dtype, choice.passes)

    reference_sha256 = weights_hash(base.model)
    policy = add_adapter(base, job.config.lora, job.seed)
    cache = ReferenceCache.of(settings().home / "cache" / "reference", reference_sha256, compute)
    known = reference_logps(policy, examples.pairs, compute, cache, reporter.interruptible)
    beta = beta_at(job.config, 0, planned.num_steps)
    proof = preflight(policy, examples, known, beta, compute)
    reporter.say(
        f"{job.name}: reference proven on {len(proof.rows)} pairs: Δ = {proof.max_delta:g}, "
        f"loss = weight · ln 2 = {proof.loss:.4f}"
    )
    trainer = StageTrainer(policy, job.config, examples, known, compute)
    folder = job.output.stage(job.name)
    # A stage's folder holds checkpoints only if it was interrupted.
    checkpoints = CheckpointPlan(folder.checkpoints, reference_sha256, resume=True)
    with HistoryFile(folder.history) as history:
        watch = StageWatch(job.name, history, reporter)
        outcome = trainer.run(planned.num_steps, job.seed, watch.watchers(), checkpoints)
    _write_taught(trainer, job)
    _save(policy, job)
    CheckpointFolder(folder.checkpoints).clear()
    policy.unload()
    return {
        "name": job.name,
        "title": job.config.title,
        "num_train": len(planned.train_indices),
        "num_heldout": len(planned.heldout_indices),
        "num_steps": outcome.num_steps,
        "skipped_rows": list(encoding.skipped_rows),
        "num_prompts_cut": len(encoding.cut_rows),
        "passes": asdict(choice),
        "reference": {"is": _reference_name(base, job.earlier), "sha256": reference_sha256},
        "preflight": asdict(proof),
        "before": outcome.before,
        "after": outcome.after,
        "troubles": list(watch.troubles.values()),
        "seconds": round(time.perf_counter() - started, 1),
    }


@dataclass(frozen=True, eq=False)
class _EncodedStage:
    """A stage's pairs as token ids, without those that don't fit."""

    planned: PlannedStage
    indices: IntArray
    """(n,) ascending indices into the table of all pairs that the stage touches and that fit."""
    encoding: Encoding
    """Of those pairs, and what became of the others."""


def _encode(base: BaseModel, job: StageJob, reporter: Reporter) -> _EncodedStage:
    """Token ids of all pairs that the stage trains on or watches.

    Raises: DataError, if too few of them fit.
    """
    planned, config = job.planned, job.config
    touched = np.unique(np.concatenate([planned.train_indices, *_watched(job).values()]))
    limit = min(config.max_length, base.max_positions or config.max_length)
    encoding = encode_pairs(job.table.take(touched), base.tokenizer, limit)
    if encoding.skipped_rows:
        reporter.say(
            f"{job.name}: {len(encoding.skipped_rows)} pairs skipped, since a response alone is "
            f"longer than {limit} tokens (rows {_some(encoding.skipped_rows)})"
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
    return _EncodedStage(planned, fitting, encoding)


def _watched(job: StageJob) -> dict[str, IntArray]:
    """Groups of held-out pairs, as indices into the table."""
    groups = {f"retention/{stage.config.name}": stage.heldout_indices for stage in job.earlier}
    return {HELDOUT: job.planned.heldout_indices} | groups


def _examples(job: StageJob, encoded: _EncodedStage) -> StageExamples:
    """The encoded pairs, numbered 0 … n − 1, with margins and weights."""
    margins = job.table.margins[encoded.indices]

    def places(indices: IntArray) -> IntArray:
        return np.flatnonzero(np.isin(encoded.indices, indices))

    return StageExamples(
        pairs=tuple(pair for _, pair in sorted(encoded.encoding.pairs.items())),
        margins=margins,
        shares=maxim_weights(margins, job.config.weights.as_array(), job.config.min_margin),
        train=places(encoded.planned.train_indices),
        watched={name: places(group) for name, group in _watched(job).items()},
    )


def _write_taught(trainer: StageTrainer, job: StageJob) -> None:
    """Write what each training pair taught: its data margins and its implicit reward margin."""
    examples = trainer.examples
    lines = [
        {
            "row": examples.pairs[index].row,
            "data_margins": dict(zip(MAXIMS, examples.margins[index].tolist(), strict=True)),
            "reward_margin": reward_margin,
        }
        for index, reward_margin in zip(
            examples.train, trainer.reward_margins().tolist(), strict=True
        )
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_text_atomic(job.output.stage(job.name).path / PAIRS_FILE, text)


def _save(policy: PeftModel, job: StageJob) -> None:
    """Write what the stage learned: its own adapter, and one for the plain base."""
    folder = job.output.stage(job.name)
    own = adapter_of(policy)
    if job.earlier:
        save_adapter(own, folder.path / "own_adapter")
        before = load_adapter(job.output.stage(job.earlier[-1].config.name).final_model)
        own = compose(before, own)
    save_adapter(own, folder.final_model)
    stages = [stage.config for stage in (*job.earlier, job.planned)]
    write_stage_card(folder.final_model, stages, own.config)


def _reference_name(base: BaseModel, earlier: Sequence[PlannedStage]) -> str:
    merged = [f"{stage.config.name} merged" for stage in earlier]
    return " + ".join([base.name, *merged])


def _some(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:10]))
    return shown if len(rows) <= 10 else f"{shown}, …"
