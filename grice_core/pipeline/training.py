"""One stage of a pipeline: prepared, trained, and its results on disk."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

from peft import PeftModel

from grice_core.chat.format import PromptFormat
from grice_core.dpo.adapters import adapter_of, compose, load_adapter, save_adapter
from grice_core.dpo.checkpoint import CheckpointFolder
from grice_core.dpo.history import HistoryFile
from grice_core.dpo.policy import BaseModel
from grice_core.dpo.resume import CheckpointPlan
from grice_core.files import atomic_folder
from grice_core.pipeline.card import write_stage_card
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.events import StageEvents
from grice_core.pipeline.lessons import keep_taught
from grice_core.pipeline.preparing import StageJob, prepare_stage
from grice_core.pipeline.several import shared_work
from grice_core.pipeline.watching import StageWatch
from grice_core.recipes.plan import PlannedStage


def train_stage(base: BaseModel, job: StageJob, reporter: Reporter) -> dict[str, Any]:
    """Train one stage's adapter on its base and write the stage's folder.

    The base's weights stay as they are. Returns the stage's record for run.json.

    Raises: DataError, PreflightError, TrainingError, InterruptedRunError.
    """
    started = time.perf_counter()
    prepared = prepare_stage(base, job, reporter)
    planned = prepared.encoded.planned
    folder = job.output.stage(job.name)
    # A stage's folder holds checkpoints only if it was interrupted.
    checkpoints = CheckpointPlan(folder.checkpoints, prepared.reference_sha256, resume=True)
    events = StageEvents(folder.events if job.report_to == "tensorboard" else None)
    with HistoryFile(folder.history) as history, closing(events):
        watch = StageWatch(job.name, planned.num_steps, job.device, history, reporter, events)
        with shared_work(prepared, job, reporter) as trainer:
            outcome = trainer.run(planned.num_steps, job.seed, watch.watchers(), checkpoints)
            keep_taught(trainer, job)
    _save(trainer.policy, job, job.format_choice.of(base.tokenizer))
    CheckpointFolder(folder.checkpoints).clear()
    prepared.trainer.policy.unload()
    return {
        "name": job.name,
        "title": job.config.title,
        "num_train": len(planned.train_indices),
        "num_heldout": len(planned.heldout_indices),
        "num_steps": outcome.num_steps,
        "skipped_rows": list(prepared.encoded.encoding.skipped_rows),
        "num_prompts_cut": len(prepared.encoded.encoding.cut_rows),
        "passes": asdict(prepared.choice),
        "reference": {
            "is": _reference_name(base, job.earlier),
            "sha256": prepared.reference_sha256,
        },
        "preflight": asdict(prepared.proof),
        "before": outcome.before,
        "after": outcome.after,
        "troubles": list(watch.troubles.values()),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _save(policy: PeftModel, job: StageJob, form: PromptFormat) -> None:
    """Write what the stage learned: its own adapter, and one for the plain base."""
    folder = job.output.stage(job.name)
    own = adapter_of(policy)
    if job.earlier:
        with atomic_folder(folder.path / "own_adapter") as path:
            save_adapter(own, path)
        before = load_adapter(job.output.stage(job.earlier[-1].config.name).final_model)
        own = compose(before, own)
    stages = [stage.config for stage in (*job.earlier, job.planned)]
    with atomic_folder(folder.final_model) as path:
        save_adapter(own, path)
        write_stage_card(path, stages, own.config, form)


def _reference_name(base: BaseModel, earlier: Sequence[PlannedStage]) -> str:
    merged = [f"{stage.config.name} merged" for stage in earlier]
    return " + ".join([base.name, *merged])
