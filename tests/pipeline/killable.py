"""An evaluation that kills its own process at a chosen moment, as a crash would."""

import os
import signal
from pathlib import Path

from grice_core.pipeline.parts import PipelineParts
from tests.pipeline.world import config


def evaluate(world: Path, out: Path, last: int | None = None) -> None:
    """Evaluate the trained stages in `out`, up to the moment of this number: something being forced
    to disk."""
    force, count = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        force(descriptor)

    os.fsync = fsync
    PipelineParts(config(world, out)).evaluate()
