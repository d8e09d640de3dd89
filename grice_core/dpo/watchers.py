"""Who is told about a training run, and who may stop it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from grice_core.dpo.metrics import Metrics
from grice_core.progress import Progress, silent


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


def _never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True)
class Watchers:
    """Who is told about a training run, and who may stop it."""

    on_step: Callable[[Metrics], None] = _ignore
    """Called with each optimizer step's record, in order."""
    should_stop: Callable[[], bool] = _never
    """Asked before each step."""
    progress: Progress = silent
    on_start: Callable[[int, Metrics], None] = _ignore
    """Called once with the number of steps taken before (0, or those that a checkpoint holds) and the
    watched pairs' metrics before the first of them."""
    on_checkpoint: Callable[[], None] = _ignore
    """Called before a checkpoint is written: what was recorded so far must be on disk by then."""
    on_checkpointed: Callable[[int], None] = _ignore
    """Called with the number of steps that a checkpoint holds, once it is whole on disk."""
    say: Callable[[str], None] = logging.getLogger(__name__).warning
    """Remarks and warnings, each one sentence."""
