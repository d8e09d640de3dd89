"""The state of a stage's training, to and from a checkpoint.

Little is needed to resume bit for bit: dropout is seeded by (seed, step) and the order of pairs by
(seed, epoch), so no generator's state has to be saved, only numbers that steps have changed.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from grice_core.dpo.checkpointing.checkpoint import Checkpoint, CheckpointFolder, Tensors
from grice_core.dpo.checkpointing.fingerprint import Fingerprint, differences
from grice_core.dpo.examples import ReferenceLogps
from grice_core.dpo.metrics import Metrics
from grice_core.dpo.step_choice import Look
from grice_core.errors import InputError
from grice_core.kernels.choice import kernels_of_process
from grice_core.progress import Reporter


@dataclass(frozen=True)
class Anchor:
    """A state of training that stays when the checkpoints go, so that one step can be taken again."""

    folder: Path
    step: int
    """Steps taken before."""


@dataclass(frozen=True)
class CheckpointPlan:
    """Where a stage's checkpoints go, how often, and whether to resume from them."""

    folder: Path
    """Nothing else may be in it."""
    base_sha256: str
    """Hash of the weights that the stage starts from (`reference.weights_hash`)."""
    every: int = 50
    """Optimizer steps between two checkpoints; there is one more after the last step."""
    at_least_every_s: float = 300.0
    """Seconds after which there is one, however few the steps: what a power cut may cost."""
    resume: bool = False
    """Resume from the last whole checkpoint, if there is one; otherwise checkpoints are deleted."""
    anchor: Anchor | None = None


@dataclass(frozen=True)
class TrainerState:
    """How far training has come."""

    step: int = 0
    """Optimizer steps taken."""
    before: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs before the first step."""
    watched: Metrics = field(default_factory=dict)
    """Metrics of the watched pairs when last measured."""
    looks: tuple[Look, ...] = ()
    """All measurements so far, if the stage chooses among their steps."""


@dataclass(frozen=True)
class TrainedTensors:
    """What training changes, shared with the trainer; `load` changes it in place."""

    parameters: Mapping[str, torch.nn.Parameter]
    """The adapter's, in the optimizer's order."""
    optimizer: torch.optim.Optimizer
    ref_logps: ReferenceLogps
    """Saved because computing them again with other pairs in the pass would round differently."""
    num_processes: int = 1
    best: Tensors = field(default_factory=dict)
    """The adapter after the best step so far, on its device; empty unless the stage chooses one."""

    def remember_best(self) -> None:
        """The adapter as it is now is the best so far."""
        self.best.update({n: p.detach().clone() for n, p in self.parameters.items()})

    def put_best(self) -> None:
        """Let the adapter be the best so far, if there is one."""
        with torch.no_grad():
            for name, tensor in self.best.items():
                self.parameters[name].copy_(tensor)

    def checkpoint(self, state: TrainerState, must_match: Fingerprint) -> Checkpoint:
        """All that is needed to resume."""
        tensors = {
            "adapter": {n: p.detach().cpu().contiguous() for n, p in self.parameters.items()},
            "optimizer": self._moments(),
            "reference": {"chosen": self.ref_logps.chosen, "rejected": self.ref_logps.rejected},
        }
        if self.best:
            tensors["best"] = {n: t.cpu().contiguous() for n, t in self.best.items()}
        notes = {
            "before": state.before,
            "watched": state.watched,
            "looks": [asdict(look) for look in state.looks],
            "must_match": must_match,
            "threads": torch.get_num_threads(),
            "processes": self.num_processes,
            "kernels": kernels_of_process(),
        }
        return Checkpoint(state.step, tensors, notes)

    def load(self, checkpoint: Checkpoint) -> TrainerState:
        """Load a checkpoint of the same run."""
        with torch.no_grad():
            for name, tensor in checkpoint.tensors["adapter"].items():
                self.parameters[name].copy_(tensor)
        self._load_moments(checkpoint.tensors["optimizer"])
        self.ref_logps.chosen.copy_(checkpoint.tensors["reference"]["chosen"])
        self.ref_logps.rejected.copy_(checkpoint.tensors["reference"]["rejected"])
        for name, tensor in checkpoint.tensors.get("best", {}).items():
            self.best[name] = tensor.to(self.parameters[name].device)
        notes = checkpoint.notes
        looks = tuple(Look(**look) for look in notes.get("looks", ()))
        return TrainerState(checkpoint.step, notes["before"], notes["watched"], looks)

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
    """Writes the checkpoints of one run, and finds the one to resume from."""

    plan: CheckpointPlan
    tensors: TrainedTensors
    must_match: Fingerprint
    reporter: Reporter
    _saved_at: float = field(default_factory=time.monotonic, init=False)

    @property
    def folder(self) -> CheckpointFolder:
        return CheckpointFolder(self.plan.folder)

    def restore(self) -> TrainerState | None:
        """Load the last whole checkpoint; None if there is none to resume from.

        Raises: InputError, if it is another run's, naming what differs.
        """
        if not self.plan.resume:
            self.folder.clear()
            return None
        checkpoint = self.folder.latest(self.reporter.say)
        if checkpoint is None:
            return None
        if changed := differences(checkpoint.notes["must_match"], self.must_match):
            raise InputError(
                f"can't resume from the checkpoints in {self.plan.folder}: {', '.join(changed)}. "
                "Use the old settings and files again, or start over without --resume"
            )
        self._compare("threads", checkpoint, torch.get_num_threads())
        self._compare("processes", checkpoint, self.tensors.num_processes)
        self._compare("kernels", checkpoint, kernels_of_process())
        return self.tensors.load(checkpoint)

    def _compare(self, name: str, checkpoint: Checkpoint, now: int | str) -> None:
        """Sums are split among threads and processes, so their number decides how they are rounded; plain
        kernels round and drop otherwise than fast ones."""
        before = checkpoint.notes.get(name)
        if before not in (None, now):
            self.reporter.say(
                f"the run began with {before} {name} and continues with {now}: its last digits will "
                "not be those of an undisturbed run"
            )

    def keep_anchor(self, state: TrainerState) -> None:
        """Keep the state for good, if it is the one that is to be kept."""
        anchor = self.plan.anchor
        if anchor is not None and state.step == anchor.step:
            CheckpointFolder(anchor.folder).write(self.tensors.checkpoint(state, self.must_match))

    def is_due(self, state: TrainerState) -> bool:
        """Whether it is time for a checkpoint."""
        waited_s = time.monotonic() - self._saved_at
        return state.step % self.plan.every == 0 or waited_s >= self.plan.at_least_every_s

    def save(self, state: TrainerState) -> None:
        """Write a checkpoint, once everything recorded up to it is on disk."""
        self._saved_at = time.monotonic()
        self.reporter.on_checkpoint()
        self.folder.write(self.tensors.checkpoint(state, self.must_match))
        self.reporter.on_checkpointed(state.step)
