"""Parts of a pipeline that kill their own process at a chosen moment, as a crash would."""

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from tests.pipeline.world import config

_DRAWING = [
    "stage1.gradient_accumulation_steps=11",
    "stage1.epochs=2",
    "stage1.eval_steps=2",
    "stage1.learning_rate=1e-3",
    "stage1.lora.dropout=0.3",
]
TOGETHER: dict[str, Any] = {
    "recipe": load_recipe("content-then-manner", _DRAWING),
    "precision": "fp32",
}
"""A stage whose losses depend on random draws, for several processes to train."""
IN_SHARDS = TOGETHER | {
    "recipe": load_recipe(
        "content-then-manner", [*_DRAWING, "parallel.fsdp.reshard_after_forward=true"]
    )
}
"""The same, with a part of the base in each process."""


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


def train_together(world: Path, out: Path, heard: Connection, last: int) -> None:
    """Continue with the first stage by two processes up to the end of this step.

    Then say what was said, and which other processes there are.
    """
    said: list[str] = []

    def on_step(record: dict[str, float]) -> None:
        if record["step"] == last:
            heard.send((said, [other.pid for other in psutil.Process().children()]))
            os.kill(os.getpid(), signal.SIGKILL)

    asked = config(world, out, **TOGETHER, num_processes=2)
    PipelineParts(asked, Reporter(say=said.append, on_step=on_step)).train("stage1")
