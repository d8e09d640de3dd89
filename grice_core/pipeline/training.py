"""One stage of a pipeline: prepared, trained, and its results on disk."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from grice_core.chat.format import PromptFormat
from grice_core.dpo.adapters import Adapter, adapter_of, put_adapter, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.checkpointing.checkpoint import CheckpointFolder
from grice_core.dpo.checkpointing.history import HistoryFile
from grice_core.dpo.checkpointing.resume import Anchor, CheckpointPlan
from grice_core.dpo.train import StageOutcome, StageTrainer
from grice_core.files import atomic_folder
from grice_core.pipeline.card import write_stage_card
from grice_core.pipeline.kept_stages import KeptStage, training_of
from grice_core.pipeline.kept_steps import CHECKPOINT, kept_steps_section
from grice_core.pipeline.output import StageFolder, is_whole_model
from grice_core.pipeline.preference_shift import keep_preference_shifts
from grice_core.pipeline.preparing import PreparedStage, prepare_stage
from grice_core.pipeline.probe import Probe
from grice_core.pipeline.published import StageModels, publish
from grice_core.pipeline.receipt import anchor_step
from grice_core.pipeline.sampled_answers import stage_answers
from grice_core.pipeline.shared_training import shared_work
from grice_core.pipeline.stage_job import StageJob
from grice_core.pipeline.taught import taught_section
from grice_core.pipeline.trackers import StageTracker, TrackedStage
from grice_core.pipeline.watching import StageWatch
from grice_core.progress import Reporter
from grice_core.recipes.plan import PlannedStage

_TAKEN_OVER = "trained before from the same weights, pairs, settings and seed, so what was learned then is taken over"


def train_stage(models: StageModels, job: StageJob, reporter: Reporter) -> dict[str, Any]:
    """Train one stage's adapter on the model after the stage before, and publish it.

    Returns the stage's record for run.json.

    Raises: DataError, ModelError, PreflightError, TrainingError, InterruptedRunError.
    """
    started = time.perf_counter()
    trained = _trained(models, job, reporter)
    earlier = job.output.stage(job.earlier[-1].config.name).final_model if job.earlier else None
    folder = job.output.stage(job.name)
    # By now nothing refers to the model that was trained, so that the plain base finds room.
    gap = publish(trained.own, trained.probe, models, folder.final_model, earlier)
    planned = (*job.earlier, job.planned)
    stages = [stage.config for stage in planned]
    records = [*(job.output.read_run() or {}).get("stages", ()), trained.record]
    kept = kept_steps_section(records, [stage.name for stage in stages])
    write_stage_card(
        folder.final_model,
        stages,
        models.base_name,
        trained.form,
        kept + taught_section(planned, job.table),
        sampling=job.evaluation,
        base_dtype=models.base_dtype,
    )
    CheckpointFolder(folder.checkpoints).clear()
    whole = is_whole_model(folder.final_model)
    if whole:
        reporter.say(
            f"{job.name}: published as a whole model, since no adapter for the plain base gives what was "
            "trained"
        )
    reporter.say(f"{job.name}: read back, the published log-probabilities are off by {gap:.1e}")
    return trained.record | {
        "published": {"as": "model" if whole else "adapter", "max_difference": gap},
        "seconds": round(time.perf_counter() - started, 1),
    }


@dataclass(frozen=True, eq=False)
class _Trained:
    """A stage's training, without the model that it took place in."""

    own: Adapter
    """On the model after the stage before."""
    probe: Probe
    form: PromptFormat
    record: dict[str, Any]


def _trained(models: StageModels, job: StageJob, reporter: Reporter) -> _Trained:
    base = models.after(job.earlier[-1].config.name if job.earlier else None)
    prepared = prepare_stage(base, job, reporter)
    folder = job.output.stage(job.name)
    with (
        _watching(prepared, base, job, reporter) as watch,
        shared_work(prepared, job, reporter) as trainer,
    ):
        outcome, is_taken_over = _outcome(prepared, trainer, job, watch)
        for sentence in outcome.choice.said if outcome.choice else ():
            reporter.say(f"{job.name}: {sentence}")
        keep_preference_shifts(trainer, job)
    own = adapter_of(trainer.policy)
    if job.earlier:
        with atomic_folder(folder.own_adapter) as path:
            save_adapter(own, path)
    policy = prepared.trainer.policy
    put_adapter(policy, own)  # with parallel.fsdp it is not the one that was trained, but whole
    probe = Probe.of(policy, prepared.encoded.examples.pairs)
    policy.unload()
    record = _record(prepared, base, job, outcome) | {
        "gradient_checkpointing": trainer.compute.recomputes,
        "taken_over": is_taken_over,
        "troubles": list(watch.troubles.values()),
    }
    return _Trained(own, probe, job.format_choice.of(base.tokenizer), record)


@contextmanager
def _watching(
    prepared: PreparedStage, base: BaseModel, job: StageJob, reporter: Reporter
) -> Iterator[StageWatch]:
    """What listens to the training, its files open."""
    folder, num_steps = job.output.stage(job.name), prepared.encoded.planned.num_steps
    tracker = StageTracker(job.report_to, _tracked(job, folder))
    asking = stage_answers(prepared.trainer, base, job, reporter)
    with HistoryFile(folder.history) as history, closing(tracker), asking as answers:
        yield StageWatch(job.name, num_steps, job.device, history, reporter, tracker, answers)


def _outcome(
    prepared: PreparedStage, trainer: StageTrainer, job: StageJob, watch: StageWatch
) -> tuple[StageOutcome, bool]:
    """What the training comes to, and whether it took place before."""
    folder, num_steps = job.output.stage(job.name), prepared.encoded.planned.num_steps
    kept = KeptStage.of(prepared, job)
    earlier = kept.find()
    if earlier is not None:
        earlier.put_into(trainer)
        watch.replay(earlier.outcome.before, earlier.history, earlier.answers)
        watch.reporter.say(f"{job.name}: {_TAKEN_OVER}")
        return earlier.outcome, True
    # A stage's folder holds checkpoints only if it was interrupted.
    checkpoints = CheckpointPlan(
        folder.checkpoints,
        prepared.reference_sha256,
        resume=True,
        anchor=Anchor(folder.anchor, anchor_step(job.name, job.seed, num_steps)),
    )
    outcome = trainer.run(num_steps, job.seed, watch.stage_reporter(), checkpoints)
    if watch.answers is not None:  # of the step whose adapter it has now
        watch.answers.sample(outcome.kept_step)
    kept.keep(training_of(trainer, outcome, folder))
    return outcome, False


def _record(
    prepared: PreparedStage, base: BaseModel, job: StageJob, outcome: StageOutcome
) -> dict[str, Any]:
    encoded = prepared.encoded
    record = {
        "name": job.name,
        "title": job.config.title,
        "num_train": len(encoded.planned.train_indices),
        "num_heldout": len(encoded.planned.heldout_indices),
        "num_steps": outcome.num_steps,
        "skipped_rows": list(encoded.encoding.skipped_rows),
        "num_prompts_cut": len(encoded.encoding.cut_rows),
        "passes": asdict(prepared.choice),
        "reach": asdict(prepared.reach),
        "reference": {
            "is": _reference_name(base, job.earlier),
            "sha256": prepared.reference_sha256,
        },
        "preflight": asdict(prepared.proof),
        "before": outcome.before,
        "after": outcome.after,
    }
    choice = {} if outcome.choice is None else {CHECKPOINT: outcome.choice.document()}
    return record | choice


def _tracked(job: StageJob, folder: StageFolder) -> TrackedStage:
    title = (job.output.read_run() or {}).get("name", job.output.path.name)
    return TrackedStage(
        f"{title}, {job.name}",
        folder.events,
        {"seed": job.seed, **job.config.model_dump(mode="json")},
    )


def _reference_name(base: BaseModel, earlier: Sequence[PlannedStage]) -> str:
    merged = [f"{stage.config.name} merged" for stage in earlier]
    return " + ".join([base.name, *merged])
