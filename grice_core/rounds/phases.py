"""What a round does, in this order, and how far it is."""

from dataclasses import dataclass
from enum import StrEnum

from grice_core.progress import Reporter


class Phase(StrEnum):
    """What a round is doing."""

    ASK = "ask"
    """The model before the round answers the held-out prompts."""
    JUDGE_ASKED = "judge asked"
    """These answers are judged, by each judge there is."""
    SAMPLE = "sample"
    """The model answers the training prompts."""
    JUDGE = "judge"
    """These answers are judged."""
    PAIR = "pair"
    TRAIN = "train"
    CHECK = "check"
    """The model after the round answers the held-out prompts."""
    JUDGE_CHECKED = "judge checked"
    """These answers are judged, by each judge there is."""

    @property
    def number(self) -> int:
        """Counted from 0."""
        return list(Phase).index(self)


_JUDGING = {
    Phase.ASK: Phase.JUDGE_ASKED,
    Phase.SAMPLE: Phase.JUDGE,
    Phase.CHECK: Phase.JUDGE_CHECKED,
}
"""What follows answers that are written."""


@dataclass
class PhaseProgress:
    """Passes progress on, and says which phase of a round it belongs to."""

    reporter: Reporter
    phase: Phase = Phase.ASK

    def begin(self, phase: Phase) -> None:
        """This is done from now on."""
        self.phase = phase
        self.reporter.on_phase(phase, 0, 0)

    def __call__(self, task: str, done: int, total: int) -> None:
        self.reporter.progress(task, done, total)
        if self.phase is Phase.TRAIN or "tokenizing" in task:
            return
        judges = "scoring" in task
        self.reporter.on_phase(
            _JUDGING.get(self.phase, self.phase) if judges else self.phase, done, total
        )
