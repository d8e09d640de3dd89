"""Mistreats an installation at random moments, again and again: `make chaos BLOWS=100 SEED=1`.

Whatever happens, every run ends as promised, with the numbers of an undisturbed one.
"""

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.worker.asked import Asked
from tests.worker.freezes import KINDS, freeze
from tests.worker.installation import Installation, stop_outside_transactions
from tests.worker.processes import end, eventually, restart_postgres


@dataclass
class Chaos:
    """Something bad to happen every now and then, drawn from a seed."""

    installation: Installation
    world: Path
    asked: Asked
    draw: random.Random
    postgres: Any = None
    """The server that holds the database, if it is one."""
    freezes_kinds: bool = False
    """Whether runs of every kind are frozen too, which takes long."""
    blows: list[str] = field(default_factory=list)
    """What has happened so far."""
    _left: list[Callable[[], None]] = field(default_factory=list)
    _kinds_left: list[str] = field(default_factory=list)

    def strike(self) -> None:
        """Do something bad: each thing once, in an order that is drawn, then each thing again."""
        if not self._left:
            self._left = [
                self.kill_job,
                self.kill_worker,
                self.kill_both,
                self.kill_queue,
                self.empty_queue,
                self.freeze_owner,
                *([self.freeze_kind] if self.freezes_kinds else []),
                *([self.kill_database] if self.postgres is not None else []),
            ]
            self.draw.shuffle(self._left)
        blow = self._left.pop()
        self.blows.append(blow.__name__)
        blow()

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

    def kill_database(self) -> None:
        restart_postgres(self.postgres)

    def freeze_owner(self) -> None:
        """Stop worker and job for longer than their lease; another worker takes their run meanwhile."""
        self.installation.start_worker()
        held = next((run for run in self.asked.runs if run.state is RunState.RUNNING), None)
        if held is None or held.owner is None or held.pid is None:
            return
        pids = [int(held.owner.split(":")[1]), held.pid]
        try:
            eventually(lambda: self._are_stopped(pids), "they are stopped, or have ended")
            eventually(lambda: self._is_out_of_hands(held), "the run is taken from them")
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def freeze_kind(self) -> None:
        """The same in the middle of other runs, of each kind in turn, which then end well."""
        if not self._kinds_left:
            self._kinds_left = list(KINDS)
            self.draw.shuffle(self._kinds_left)
        kind = self._kinds_left.pop()
        self.blows[-1] += f" {kind}"
        self.installation.start_worker()
        freeze(self.installation, self.world, kind)

    def _are_stopped(self, pids: list[int]) -> bool:
        with suppress(ProcessLookupError):
            return stop_outside_transactions(pids, self.installation)
        return True

    def _is_out_of_hands(self, held: Run) -> bool:
        now = next(run for run in self.asked.runs if run.id == held.id)
        return now.token > held.token or now.state.is_finished()


def all_over(asked: Asked) -> bool:
    """Whether the pipeline has succeeded; runs that were given up too often are let continue."""
    for run in asked.runs:
        if run.state == "failed":
            assert "given up after" in str(run.error), run.error
            asked.queue.resume(run.id)
    return all(run.state == "succeeded" for run in asked.runs)
