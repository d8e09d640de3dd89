"""Finding runs that nobody works on, and ringing for those that could be taken."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from grice_core.errors import GriceError, StaleOwnerError
from grice_core.store import runs, transitions
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from worker import bell
from worker.presence import is_dead


@dataclass(frozen=True)
class Reconciler:
    """Sees to it that no run is forgotten; any number of them may be at work."""

    database: Database
    redis: Redis
    home: Path
    say: Callable[[str], None]

    def run_once(self) -> None:
        """Take runs from owners that vanished, then ring for every run that could be taken."""
        for vanished in transitions.reconcile(self.database):
            self.say(
                f"run {vanished.run_id}: its worker {vanished.owner} gave no sign of life, "
                f"so it is {vanished.state}"
            )
        for run in runs.page(self.database, runs.RunFilter(states=(RunState.RUNNING,)), limit=1000):
            if run.owner and is_dead(self.home, run.owner):
                self._take_from_dead(run, run.owner)
        self.ring()

    def ring(self) -> None:
        """Ring for every run that could be taken; a queue that is away hears it the next time."""
        try:
            bell.ring(self.redis, runs.ready(self.database))
        except RedisError as error:
            self.say(f"the queue is unavailable ({error}); what waits is rung for again later")

    def _take_from_dead(self, run: Run, owner: str) -> None:
        claim = Claim(run.id, owner, run.attempt, run.token, run.round)
        try:
            state = transitions.interrupt(self.database, claim, "its worker was killed")
        except StaleOwnerError:  # somebody else was faster
            return
        self.say(f"run {run.id}: its worker {owner} was killed, so it is {state}")

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
