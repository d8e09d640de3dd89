"""Finding runs that no one works on, and waking workers for those that could be taken."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from grice_core.errors import GriceError, StaleOwnerError
from grice_core.store import runs, transitions
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.states import RunState
from grice_core.structured_log import Say
from worker import notify
from worker.presence import is_dead
from worker.sweeps import SweepAdvancer


@dataclass(frozen=True)
class Reconciler:
    """Sees to it that no run is forgotten; any number of them may be at work."""

    database: Database
    redis: Redis
    home: Path
    say: Say
    sweeps: SweepAdvancer

    def run_once(self) -> None:
        """Take runs from owners that vanished, take sweeps further, then send a wake-up for every run that
        could be taken."""
        for vanished in transitions.reconcile(self.database):
            self.say(
                f"run {vanished.run_id}: its worker {vanished.owner} gave no sign of life, "
                f"so it is {vanished.state}",
                "run taken",
                run=vanished.run_id,
                state=vanished.state,
            )
        for claim, state in take_from_dead(self.database, self.home):
            self.say(
                f"run {claim.run_id}: its worker {claim.owner} was killed, so it is {state}",
                "run taken",
                run=claim.run_id,
                state=state,
            )
        self.settle()

    def settle(self) -> None:
        """A run may have ended: take sweeps further, and wake workers for what can be taken now."""
        self.sweeps.run_once()
        self.wake()

    def wake(self) -> None:
        """Send a wake-up for every run that could be taken; a queue that is away hears it the next time."""
        try:
            notify.wake(self.redis, runs.ready(self.database))
        except RedisError as error:
            self.say(
                f"the queue is unavailable ({error}); waiting runs get another wake-up later",
                "queue unavailable",
            )

    def keep_on(self, every_s: float, until: threading.Event) -> threading.Thread:
        """Do it now and then every so many seconds, in a thread, until the event is set."""

        def loop() -> None:
            while not until.is_set():
                try:
                    self.run_once()
                except GriceError as error:
                    self.say(str(error))
                until.wait(every_s)

        thread = threading.Thread(target=loop, name="reconcile", daemon=True)
        thread.start()
        return thread


def take_from_dead(database: Database, home: Path) -> list[tuple[Claim, RunState]]:
    """Take runs from workers of this home that were killed; returns their claims, and what became of
    the runs."""
    taken = []
    for run in runs.page(database, runs.RunFilter(states=(RunState.RUNNING,)), limit=1000):
        if run.owner and is_dead(home, run.owner):
            claim = Claim(run.id, run.owner, run.attempt, run.token, run.round)
            with suppress(StaleOwnerError):  # another worker was faster
                state = transitions.interrupt(database, claim, "its worker was killed")
                taken.append((claim, state))
    return taken
