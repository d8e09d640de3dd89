"""What a pipeline is asked to do, and who is told about it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grice_core.dpo.metrics import Metrics
from grice_core.errors import InterruptedRunError
from grice_core.pipeline.options import PipelineOptions
from grice_core.pipeline.sources import Source
from grice_core.progress import Progress, silent
from grice_core.recipes.config import Recipe


@dataclass(frozen=True)
class PipelineConfig(PipelineOptions):
    """One recipe on one data set with one base model, judged by one detector."""

    data: Source
    """Preference pairs; unscored ones are scored by the detector first."""
    eval: Source
    """Evaluation prompts: any file with a `prompt` field."""
    base: str
    """Hub id or folder of the base model."""
    detector: str
    """Detector folder, or hub id of a four-label classifier."""
    recipe: Recipe
    out: Path
    device: str = "auto"
    overwrite: bool = False
    """Whether an earlier pipeline's results in `out` may be replaced."""
    resume: bool = False
    """Whether to go on with the same pipeline, interrupted, in `out`."""


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


def _never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True)
class Reporter:
    """Who is told how a pipeline is doing, and who may stop it."""

    progress: Progress = silent
    say: Callable[[str], None] = _ignore
    """Remarks and warnings, each one sentence."""
    should_stop: Callable[[], bool] = _never
    """Asked before each optimizer step, and whenever other parts tell their progress."""
    on_step: Callable[[Metrics], None] = _ignore
    """Called with each optimizer step's record, before the stage's history gets it."""
    on_checkpoint: Callable[[], None] = _ignore
    """Called before a checkpoint is written: a run that goes on from it won't tell earlier steps."""
    on_checkpointed: Callable[[int], None] = _ignore
    """Called with the number of steps that the newest checkpoint holds."""
    on_trouble: Callable[[str, str], None] = _ignore
    """Called with each kind of trouble that a training is in, and a sentence about it."""

    def interruptible(self, task: str, done: int, total: int) -> None:
        """Progress of a part that can be stopped at any moment without losing what counts.

        Raises: InterruptedRunError, if a stop was asked for.
        """
        self.progress(task, done, total)
        if self.should_stop() and done < total:
            raise InterruptedRunError(f"stopped during {task!r} ({done:,} of {total:,})")
