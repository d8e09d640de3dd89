"""Trained stages of earlier runs, taken over where the same training would take place again."""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from grice_core.dpo.adapters import Adapter, adapter_of, load_adapter, put_adapter, save_adapter
from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.metrics import Metrics
from grice_core.dpo.step_choice import StepChoice
from grice_core.dpo.train import StageOutcome, StageTrainer
from grice_core.errors import ModelError
from grice_core.journal import Entry
from grice_core.kept import Kept, NothingKept, key_of
from grice_core.kernels.choice import kernels_of_process
from grice_core.pipeline.output import StageFolder
from grice_core.pipeline.preparing import PreparedStage
from grice_core.pipeline.sampled_answers import read_answers
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import SampledAnswer


@dataclass(frozen=True, eq=False)
class EarlierTraining:
    """What a training came to, and how it got there."""

    outcome: StageOutcome
    history: Sequence[Metrics]
    """Each optimizer step's record."""
    adapter: Adapter
    answers: Sequence[SampledAnswer] = ()
    """What the model answered while it trained, if it was asked."""

    def put_into(self, trainer: StageTrainer) -> None:
        """Let the policy be what it was after the last step."""
        put_adapter(trainer.policy, self.adapter)


@dataclass(frozen=True)
class KeptStage:
    """One stage's training, by all that it depends on.

    Several processes round otherwise than one, and their number is the machine's: nothing is kept then.
    """

    kept: Kept
    key: str

    @classmethod
    def of(cls, prepared: PreparedStage, job: StageJob) -> "KeptStage":
        """Of the training that is about to begin."""
        trainer = prepared.trainer
        must_match = trainer.must_match(
            prepared.reference_sha256, prepared.encoded.planned.num_steps, job.seed
        )
        parts = (
            json.dumps(must_match, sort_keys=True),
            repr(prepared.choice.passes),
            str(trainer.compute.budget.tokens),
            kernels_of_process(),
            job.device.type,
            str(torch.get_num_threads()),
            *([] if job.watched is None else [job.watched.digest]),
        )
        alone = job.num_processes == 1
        return cls(job.kept if alone else NothingKept(), key_of("stages", parts))

    def find(self) -> EarlierTraining | None:
        """The same training, if it took place before and can still be read."""
        entries = self.kept.find(self.key)
        if not entries:
            return None
        first, *history = entries
        try:
            adapter = _unpacked(first["files"])
        except ModelError:  # another version of a library wrote it
            return None
        answers = [SampledAnswer(**answer) for answer in first.get("answers", ())]
        return EarlierTraining(_outcome(first["outcome"]), history, adapter, answers)

    def keep(self, training: EarlierTraining) -> None:
        """Keep it for later runs."""
        outcome, choice = asdict(training.outcome), training.outcome.choice
        if choice is not None:
            outcome["choice"] = choice.document()
        first: Entry = {"outcome": outcome, "files": _packed(training.adapter)}
        if training.answers:
            first["answers"] = [asdict(answer) for answer in training.answers]
        self.kept.keep(self.key, [first, *(dict(record) for record in training.history)])


def training_of(
    trainer: StageTrainer, outcome: StageOutcome, folder: StageFolder
) -> EarlierTraining:
    """The training that has just ended."""
    history, answers = read_history(folder.history), read_answers(folder.answers)
    return EarlierTraining(outcome, history, adapter_of(trainer.policy), answers)


def _outcome(document: Mapping[str, Any]) -> StageOutcome:
    choice = document.get("choice")
    read = None if choice is None else StepChoice.read(choice)
    return StageOutcome(**{**document, "choice": read})


def _packed(adapter: Adapter) -> dict[str, str]:
    """Its files by name, as JSON can hold them."""
    with tempfile.TemporaryDirectory() as folder:
        save_adapter(adapter, Path(folder))
        return {
            path.name: base64.b64encode(path.read_bytes()).decode()
            for path in sorted(Path(folder).iterdir())
        }


def _unpacked(files: dict[str, str]) -> Adapter:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(base64.b64decode(content))
        return load_adapter(Path(folder))
