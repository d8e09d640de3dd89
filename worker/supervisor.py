"""Taking runs and watching the processes that do them: all that a worker does."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from grice_core.errors import GriceError, StaleOwnerError
from grice_core.store import claims, logs, migrate, notices, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database, Retries
from grice_core.store.states import Device, RunState
from grice_core.store.tables import Run
from grice_core.structured_log import Say
from worker.child import Assignment, JobProcess, NoProcessError, Reserve, ending
from worker.log_fields import about
from worker.settings import WorkerSettings
from worker.stalls import STALLED, StallWatch

_PUBLISH_LOG_EVERY_S = 3.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class WorkerContext:
    """Where a worker works: its name, its stores, what it may take."""

    owner: str
    device: Device
    home: Path
    database: Database
    artifacts: ArtifactStore
    settings: WorkerSettings
    say: Say


class Supervisor:
    """Takes one run after the other, each done by a process of its own.

    All methods but `shut_down` are called from the main thread.
    """

    def __init__(
        self,
        context: WorkerContext,
        on_settled: Callable[[], None],
        room: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Start the process in reserve.

        Args:
            on_settled: called when a run has ended, so that others may be ready to be taken.
            room: entered while a run is done, whose device and memory others then leave.
        """
        self.context = context
        self._on_settled = on_settled
        self._room = room
        self.shutting_down = False
        self._reserve = Reserve(context.device)
        # A heartbeat that comes late is no use; the next one is soon.
        self._impatient = replace(context.database, retries=Retries(give_up_after_s=5))

    def shut_down(self) -> None:
        """Let the current job write its checkpoint and end; take no other."""
        self.shutting_down = True

    def close(self) -> None:
        """End the process in reserve."""
        self._reserve.close()

    def take_next(self) -> None:
        """Take the run that comes first in the queue, if there is one, and see it through."""
        # Before a run is claimed: loading may take longer than a lease.
        while not self._reserve.is_ready(_LOOK_EVERY_S):
            if self.shutting_down:
                return
        taken = None if self.shutting_down else self._claim_first()
        if taken is not None:
            with self._room():
                self._see_through(*taken)
            self._on_settled()

    def _see_through(self, run: Run, claim: Claim) -> None:
        """Have a process do the run, and watch it to its end."""
        log = self.context.home / "logs" / "runs" / str(run.id) / f"{claim.attempt}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()  # a process that is killed at once has not begun it, and it is published all the same
        started = time.monotonic()
        if STALLED in (run.troubles or {}):  # an attempt before this one
            self.report_stall(claim, None)
        try:
            process = self._reserve.start(Assignment(claim, str(log.absolute())))
        except NoProcessError as error:
            transitions.interrupt(self.context.database, claim, str(error))
            return
        self.context.say(
            f"run {run.id}: {run.kind.of_stage(run.stage)} begins, attempt {claim.attempt}",
            "run begins",
            **about(run),
        )
        try:
            self._settle(claim, log, _Watch(self, claim, process, log).until_it_ends())
        except StaleOwnerError as error:
            self.context.say(f"{error}; its process was ended", "run lost", **about(run))
        except (
            GriceError
        ) as error:  # the database is away: the lease runs out, and the run continues
            self.context.say(f"run {run.id}: {error}")
        finally:
            self._reserve.tidy(process)
        self._say_what_became_of(run.id, time.monotonic() - started)

    def _claim_first(self) -> tuple[Run, Claim] | None:
        context = self.context
        migrate.check(context.database)  # another version may have upgraded it while we listened
        for run in runs.ready(context.database, context.device, limit=20):
            claim = transitions.claim(
                context.database, run.id, context.owner, run.attempt + 1, context.settings.lease_s
            )
            if claim is not None:
                return run, claim
        return None

    def _settle(self, claim: Claim, log: Path, cause: str) -> None:
        """Say for a job that ended without saying so itself what that means for its run."""
        run = runs.get(self.context.database, claim.run_id)
        if run.state is not RunState.RUNNING or run.token != claim.token:
            return
        logs.publish(self.context.database, self.context.artifacts.objects, claim, log)
        if self.shutting_down:
            transitions.give_back(self.context.database, claim)
        else:
            transitions.interrupt(self.context.database, claim, cause)

    def _say_what_became_of(self, run_id: int, seconds: float) -> None:
        try:
            run = runs.get(self._impatient, run_id)
        except GriceError as error:
            self.context.say(f"run {run_id}: {error}")
            return
        reason = f": {run.error}" if run.error else ""
        self.context.say(
            f"run {run_id}: {run.state} after {seconds:.1f} s",
            "run ended",
            detail=reason,
            state=run.state,
            seconds=round(seconds, 1),
            **about(run),
        )

    def report_process(self, claim: Claim, process: JobProcess) -> None:
        """Say which process does the run, unless it is through already."""
        with suppress(StaleOwnerError):
            claims.report_process(self._impatient, claim, process.pid)

    def report_stall(self, claim: Claim, sentence: str | None) -> None:
        """Say that a job stands still; None: that it does no more."""
        event = "run stalled" if sentence else "run continues"
        self.context.say(f"run {claim.run_id}: {sentence or 'continues'}", event, run=claim.run_id)
        with suppress(GriceError):  # the next heartbeat says what is wrong
            if sentence is None:
                claims.withdraw_trouble(self._impatient, claim, STALLED)
            else:
                claims.report_trouble(self._impatient, claim, STALLED, sentence)
                notices.note_stall(self._impatient, claim)

    def heartbeat(self, claim: Claim, log: Path, *, publish_log: bool) -> bool:
        """Renew the lease; returns whether the run was asked to stop.

        Raises:
            StaleOwnerError: the run is not ours any more.
        """
        try:
            stop_requested = claims.heartbeat(self._impatient, claim)
            if publish_log and log.exists():
                logs.publish(self._impatient, self.context.artifacts.objects, claim, log)
        except StaleOwnerError:
            if runs.get(self._impatient, claim.run_id).token != claim.token:
                raise
            return False  # the job itself has just said how it ended
        except (
            GriceError
        ) as error:  # the job continues: its lease outlasts a restart of the database
            self.context.say(f"run {claim.run_id}: {error}", run=claim.run_id)
            return False
        return stop_requested


class _Watch:
    """One job's process being watched."""

    def __init__(
        self, supervisor: Supervisor, claim: Claim, process: JobProcess, log: Path
    ) -> None:
        self._supervisor = supervisor
        self._settings = supervisor.context.settings
        self._claim = claim
        self._process = process
        self._log = log
        self._published_at = time.monotonic()
        self._stall = StallWatch(process.pid, self._settings.stall_s)
        self._is_stalled = False

    def until_it_ends(self) -> str:
        """How it ended, in words.

        Raises:
            StaleOwnerError: another worker has the run by now.
        """
        self._supervisor.report_process(self._claim, self._process)
        stop_requested = False
        asked_at: float | None = None
        killed = False
        next_heartbeat = time.monotonic() + self._settings.heartbeat_s
        while (status := self._process.wait(_LOOK_EVERY_S)) is None:
            now = time.monotonic()
            if now >= next_heartbeat:
                stop_requested = self._heartbeat(now)
                next_heartbeat = now + self._settings.heartbeat_s
            if asked_at is None and (stop_requested or self._supervisor.shutting_down):
                self._process.ask_to_stop()
                asked_at = now
            if asked_at is not None and now - asked_at > self._patience_s():
                self._process.kill()
                killed = True
        if killed:
            return f"it did not stop within {self._patience_s():g} s, so its process was ended"
        return ending(status, self._log)

    def _patience_s(self) -> float:
        """How long a job may take for its checkpoint; no one waits for a stop but its user."""
        grace_s = self._settings.grace_s
        return grace_s if self._supervisor.shutting_down else 10 * grace_s

    def _heartbeat(self, now: float) -> bool:
        publish = now - self._published_at >= _PUBLISH_LOG_EVERY_S
        if publish:
            self._published_at = now
        stop_requested = self._supervisor.heartbeat(self._claim, self._log, publish_log=publish)
        self._tell_stall(self._stall.look())
        return stop_requested

    def _tell_stall(self, sentence: str | None) -> None:
        """Say when the job begins to stand still, and when it goes on."""
        if self._is_stalled == (sentence is not None):
            return
        self._is_stalled = sentence is not None
        self._supervisor.report_stall(self._claim, sentence)
