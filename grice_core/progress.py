"""How long work tells anyone who watches how far it is, and asks whether to stop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from grice_core.errors import InterruptedRunError


class Progress(Protocol):
    """Called with (what is being done, units done, units in all) as work proceeds."""

    def __call__(self, task: str, done: int, total: int) -> None: ...


def silent(task: str, done: int, total: int) -> None:
    """Tells no one."""


@dataclass(frozen=True)
class PartOf:
    """Tells how far the whole is while one part of it proceeds."""

    progress: Progress
    num_before: int
    num_here: int
    num_all: int

    def __call__(self, task: str, done: int, total: int) -> None:
        self.progress(task, self.num_before + self.num_here * done // total, self.num_all)


def _ignore(*_: object) -> None:
    """No one wants to know."""


def _never() -> bool:
    """No one asks to stop."""
    return False


@dataclass(frozen=True)
class SampledAnswer:
    """What the model in training answers to one of a few held-out prompts."""

    step: int
    """Optimizer steps taken before."""
    place: int
    """Of the prompt among them, from 0."""
    prompt: str
    answer: str
    is_cut: bool = False
    """Whether it ended at the token limit."""


@dataclass(frozen=True)
class Reporter:
    """Receives the progress of a training or a whole pipeline, and may stop it."""

    progress: Progress = silent
    say: Callable[[str], None] = _ignore
    """Remarks and warnings, each one sentence."""
    should_stop: Callable[[], bool] = _never
    """Asked before each optimizer step, and whenever other parts tell their progress."""
    on_start: Callable[[int, dict[str, float]], None] = _ignore
    """Called once a training begins, with the number of steps taken before (0, or those that a checkpoint
    holds) and the watched pairs' metrics before the first of them."""
    on_step: Callable[[dict[str, float]], None] = _ignore
    """Called with each optimizer step's record, in order, before the stage's history gets it."""
    on_checkpoint: Callable[[], None] = _ignore
    """Called before a checkpoint is written: what was recorded so far must be on disk by then."""
    on_checkpointed: Callable[[int], None] = _ignore
    """Called with the number of steps that a checkpoint holds, once it is whole on disk."""
    on_answers: Callable[[Sequence[SampledAnswer]], None] = _ignore
    """Called with all answers that were sampled after a step, where a training samples any."""
    on_trouble: Callable[[str, str], None] = _ignore
    """Called with each kind of trouble that a training is in, and a sentence about it."""
    on_phase: Callable[[str, int, int], None] = _ignore
    """Called with the phase that a round is in (`rounds.phases.Phase`), and how much of it is done, of how much."""
    on_round: Callable[[Mapping[str, Any]], None] = _ignore
    """Called with all that is noted of a round, whenever that grows."""

    def interruptible(self, task: str, done: int, total: int) -> None:
        """Progress of a part that can be stopped at any moment without losing what counts.

        Raises: InterruptedRunError, if a stop was asked for.
        """
        self.progress(task, done, total)
        if self.should_stop() and done < total:
            raise InterruptedRunError(f"stopped during {task!r} ({done:,} of {total:,})")
