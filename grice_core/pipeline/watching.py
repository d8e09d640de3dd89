"""What listens to a stage's training: history, reporter, and the health checks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from grice_core.dpo.checkpointing.history import HistoryFile, read_history
from grice_core.dpo.examples import HELDOUT
from grice_core.dpo.health import Trouble, findings
from grice_core.dpo.metrics import Metrics
from grice_core.durations import duration
from grice_core.errors import TrainingError
from grice_core.kernels.memory import peak_bytes
from grice_core.pipeline.pace import NUM_MEASURED
from grice_core.pipeline.sampled_answers import StageAnswers
from grice_core.pipeline.trackers import StageTracker
from grice_core.progress import Reporter, SampledAnswer


@dataclass
class StageWatch:
    """Keeps a stage's history and says each kind of trouble once, in words."""

    stage: str
    num_steps: int
    device: torch.device
    history: HistoryFile
    reporter: Reporter
    tracker: StageTracker = field(default_factory=StageTracker.silent)
    answers: StageAnswers | None = None
    """Asks the model meanwhile; None: no one does."""
    troubles: dict[Trouble, str] = field(default_factory=dict)
    """What was found, by kind."""
    _before: Metrics = field(default_factory=dict)
    _step_ends: list[float] = field(default_factory=list)
    """When this process's first steps were taken, seconds of a clock."""

    def stage_reporter(self) -> Reporter:
        """What the trainer is given: the pipeline's reporter, with the stage's history in between."""
        return replace(
            self.reporter,
            on_start=self._on_start,
            on_step=self._on_step,
            on_checkpoint=self._on_checkpoint,
        )

    def replay(
        self,
        before: Metrics,
        history: Sequence[Metrics],
        answers: Sequence[SampledAnswer] = (),
    ) -> None:
        """Report a training that took place before as if it did now.

        Raises: TrainingError, as it would have.
        """
        self._begin(0, before)
        if self.answers:
            self.answers.keep(answers)
        for record in history:
            self._keep(record)
            self.reporter.progress(self.stage, int(record["step"]), self.num_steps)
        self._on_checkpoint()

    def _on_start(self, step: int, before: Metrics) -> None:
        self._begin(step, before)
        if self.answers:
            self.answers.after(step)

    def _begin(self, step: int, before: Metrics) -> None:
        self._before = before
        if step:
            self.reporter.say(f"{self.stage}: continues after step {step}")
            self.reporter.on_checkpointed(step)
        self.reporter.on_start(step, before)
        self.history.truncate_after(step)
        if self.answers:
            self.answers.begin(step)
        self.tracker.start(step)

    def _on_step(self, record: Metrics) -> None:
        self._tell_pace(num_left=self.num_steps - int(record["step"]))
        self._keep(record)
        if self.answers:
            self.answers.after(int(record["step"]))

    def _keep(self, record: Metrics) -> None:
        self.reporter.on_step(record)  # first: it knows whether this process may still write
        self.history.append(record)
        self.tracker.add(record)
        if f"{HELDOUT}/loss" in record:
            self._look()

    def _tell_pace(self, num_left: int) -> None:
        """Once the first steps are taken, say how long the others will take."""
        if len(self._step_ends) > NUM_MEASURED:
            return
        self._step_ends.append(time.monotonic())
        if len(self._step_ends) > NUM_MEASURED and num_left:
            per_step = (self._step_ends[-1] - self._step_ends[0]) / NUM_MEASURED
            self.reporter.say(
                f"{self.stage}: about {duration(per_step * num_left)} for the other {num_left:,} steps; "
                f"{peak_bytes(self.device) / 2**30:.1f} GiB of memory so far"
            )

    def _on_checkpoint(self) -> None:
        self.reporter.on_checkpoint()
        self.history.sync()
        if self.answers:
            self.answers.sync()

    def _look(self) -> None:
        """Raises: TrainingError, if continuing makes no sense."""
        for finding in findings(self._before, read_history(self.history.path)):
            if finding.trouble is Trouble.DIVERGED:
                raise TrainingError(f"{self.stage}: {finding.message}")
            if finding.trouble not in self.troubles:
                self.troubles[finding.trouble] = finding.message
                self.reporter.say(f"{self.stage}: {finding.message}")
                self.reporter.on_trouble(finding.trouble.value, finding.message)
