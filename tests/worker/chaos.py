"""Mistreats an installation at random moments, again and again: `make chaos BLOWS=100 SEED=1`.

Whatever happens, every run ends as promised, with the numbers of an undisturbed one.
"""

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.worker.installation import Asked, Installation, end


@dataclass
class Chaos:
    """Something bad to happen every now and then, drawn from a seed."""

    installation: Installation
    asked: Asked
    draw: random.Random

    def strike(self) -> str:
        """Do something bad; returns what it was."""
        blow: Callable[[], None] = self.draw.choice(
            [self.kill_job, self.kill_worker, self.kill_both, self.kill_queue, self.empty_queue]
        )
        blow()
        return blow.__name__

    def kill_job(self) -> None:
        for run in self.asked.runs:
            if run.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(run.pid, signal.SIGKILL)

    def kill_worker(self) -> None:
        for worker in self.installation.workers:
            end(worker)
        self.installation.start_worker()

    def kill_both(self) -> None:
        self.kill_job()
        self.kill_worker()

    def kill_queue(self) -> None:
        self.installation.kill_valkey()
        self.installation.start_valkey()

    def empty_queue(self) -> None:
        self.asked.queue.redis.flushall()


def all_over(asked: Asked) -> bool:
    """Whether the pipeline has succeeded; runs that were given up too often are let go on."""
    for run in asked.runs:
        if run.state == "failed":
            assert "given up after" in str(run.error), run.error
            asked.queue.resume(run.id)
    return all(run.state == "succeeded" for run in asked.runs)
