"""What a stage's training is at, to and from a checkpoint.

Little is needed to go on bit for bit: dropout is drawn from (seed, step) and the order of pairs from
(seed, epoch), so no random stream has to be kept, only numbers that steps have changed.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from grice_core.dpo.checkpointing.checkpoint import Checkpoint, CheckpointFolder, Tensors
from grice_core.dpo.checkpointing.fingerprint import Fingerprint, differences
from grice_core.dpo.examples import ReferenceLogps
from grice_core.dpo.metrics import Metrics
from grice_core.dpo.watchers import Watchers
from grice_core.errors import InputError


@dataclass(frozen=True)
class CheckpointPlan:
    """Where a stage's checkpoints go, how often, and whether to go on from them."""

    folder: Path
    """Nothing else may stand in it."""
    base_sha256: str
    """Hash of the weights that the stage starts from (`reference.weights_hash`)."""
    every: int = 50
    """Optimizer steps between two checkpoints; there is one more after the last step."""
    at_least_every_s: float = 300.0
    """Seconds after which there is one however few the steps were: what a power cut may cost."""
    resume: bool = False
    """Go on from the last whole checkpoint, if there is one; otherwise they are deleted."""


@dataclass(frozen=True)
class Standing:
    """How far training has come."""

    step: int = 0
    """Optimizer steps taken."""
    before: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs before the first step."""
    watched: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs when they were last looked at."""


@dataclass(frozen=True)
class TrainingState:
    """The numbers that training changes, shared with whoever trains; `load` changes them in place."""

    parameters: Mapping[str, torch.nn.Parameter]
    """The adapter's, in the optimizer's order."""
    optimizer: torch.optim.Optimizer
    known: ReferenceLogps
    """Kept because computing them again with other pairs in the pass would round differently."""
    num_processes: int = 1

    def checkpoint(self, standing: Standing, must_match: Fingerprint) -> Checkpoint:
        """All that is needed to go on."""
        return Checkpoint(
            standing.step,
            {
                "adapter": {n: p.detach().cpu().contiguous() for n, p in self.parameters.items()},
                "optimizer": self._moments(),
                "reference": {"chosen": self.known.chosen, "rejected": self.known.rejected},
            },
            {
                "before": standing.before,
                "watched": standing.watched,
                "must_match": must_match,
                "threads": torch.get_num_threads(),
                "processes": self.num_processes,
            },
        )

    def load(self, checkpoint: Checkpoint) -> Standing:
        """Take over what a checkpoint of the same run holds."""
        with torch.no_grad():
            for name, tensor in checkpoint.tensors["adapter"].items():
                self.parameters[name].copy_(tensor)
        self._load_moments(checkpoint.tensors["optimizer"])
        self.known.chosen.copy_(checkpoint.tensors["reference"]["chosen"])
        self.known.rejected.copy_(checkpoint.tensors["reference"]["rejected"])
        notes = checkpoint.notes
        return Standing(checkpoint.step, notes["before"], notes["watched"])

    def _moments(self) -> Tensors:
        """The optimizer's state as `<parameter>.<moment>`; empty before the first step."""
        state = self.optimizer.state_dict()["state"]
        return {
            f"{name}.{moment}": tensor.detach().cpu().contiguous()
            for number, name in enumerate(self.parameters)
            for moment, tensor in state.get(number, {}).items()
        }

    def _load_moments(self, tensors: Tensors) -> None:
        numbers = {name: number for number, name in enumerate(self.parameters)}
        state: dict[int, Tensors] = defaultdict(dict)
        for key, tensor in tensors.items():
            name, _, moment = key.rpartition(".")
            state[numbers[name]][moment] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})


@dataclass
class CheckpointKeeper:
    """Writes the checkpoints of one run, and finds the one to go on from."""

    plan: CheckpointPlan
    state: TrainingState
    must_match: Fingerprint
    watchers: Watchers
    _saved_at: float = field(default_factory=time.monotonic, init=False)

    @property
    def folder(self) -> CheckpointFolder:
        return CheckpointFolder(self.plan.folder)

    def restore(self) -> Standing | None:
        """Bring training back to the last whole checkpoint; None if there is none to go on from.

        Raises: InputError, if it is another run's, naming what differs.
        """
        if not self.plan.resume:
            self.folder.clear()
            return None
        checkpoint = self.folder.latest(self.watchers.say)
        if checkpoint is None:
            return None
        if changed := differences(checkpoint.notes["must_match"], self.must_match):
            raise InputError(
                f"can't go on from the checkpoints in {self.plan.folder}: {', '.join(changed)}. "
                "Take the old settings and files again, or start anew without --resume"
            )
        self._compare("threads", checkpoint, torch.get_num_threads())
        self._compare("processes", checkpoint, self.state.num_processes)
        return self.state.load(checkpoint)

    def _compare(self, workers: str, checkpoint: Checkpoint, now: int) -> None:
        """Sums are split among threads and processes, so their number decides how they are rounded."""
        before = checkpoint.notes.get(workers)
        if before not in (None, now):
            self.watchers.say(
                f"the run began with {before} {workers} and goes on with {now}: its last digits will "
                "not be those of an undisturbed run"
            )

    def is_due(self, standing: Standing) -> bool:
        """Whether it is time for a checkpoint."""
        waited_s = time.monotonic() - self._saved_at
        return standing.step % self.plan.every == 0 or waited_s >= self.plan.at_least_every_s

    def save(self, standing: Standing) -> None:
        """Write a checkpoint, after everything that was recorded up to it is on disk."""
        self._saved_at = time.monotonic()
        self.watchers.on_checkpoint()
        self.folder.write(self.state.checkpoint(standing, self.must_match))
        self.watchers.on_checkpointed(standing.step)
