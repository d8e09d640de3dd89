"""The only module that changes the state of a run.

    from                      by                                   to
    queued, interrupted       claim (all parents succeeded)        running
    running                   finish                               succeeded
    running                   fail                                 failed
    running                   give_back (owner shuts down)         interrupted
    running                   reconcile, interrupt (it vanished)   interrupted | cancelled | failed
    running                   acknowledge_stop                     cancelled
    queued, interrupted       request_stop, withdraw               cancelled
    running                   request_stop                         running, with the request noted
    queued, interrupted       finish of a parent that was asked    cancelled
                              to stop, and did not see it
    failed, cancelled         resume (from the last checkpoint)    queued
    finished, interrupted     rerun (from nothing)                 queued

A run that vanishes continues by itself, up to `vanishing.MAX_FUTILE_ATTEMPTS` times without getting
further than ever before. A run that fails says why and waits for a user to resume it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from grice_core.errors import NotFoundError, StaleOwnerError, TransitionError
from grice_core.store import former_votes, notices
from grice_core.store.actions import action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.claims import LEASE_S, Claim
from grice_core.store.clock import database_now
from grice_core.store.database import Database, reads, writes
from grice_core.store.lineage import descendants, has_stale_parent, parents_succeeded
from grice_core.store.states import FINISHED, WAITING, RunState
from grice_core.store.tables import (
    Generation,
    JsonObject,
    LogPosition,
    Metric,
    Pause,
    Run,
    RunArtifact,
    RunParent,
    SampledAnswerRow,
)
from grice_core.store.targets import of_run
from grice_core.store.vanishing import after_vanishing, remembered

_UNOWNED: dict[str, Any] = {"owner": None, "pid": None, "lease_until": None}


@writes
def claim(
    session: Session, run_id: int, owner: str, attempt: int | None = None, lease_s: float = LEASE_S
) -> Claim | None:
    """Become the owner of a waiting run, or learn that another worker was faster.

    Args:
        owner: the worker, as host and process.
        attempt: the attempt that is meant, as the wake-up says; None: whichever is next.
        lease_s: seconds without a sign of life after which the run is anybody's again.

    Returns:
        None if the run is not waiting, waits for its parents, or this attempt was claimed before;
        or the queue of its device is paused.
    """
    if not parents_succeeded(session, run_id):
        return None
    now = database_now()
    claimed = (
        update(Run)
        .where(
            Run.id == run_id,
            Run.state.in_(WAITING),
            ~Run.stop_requested,
            ~exists().where(Pause.device == Run.device),
        )
        .values(
            state=RunState.RUNNING,
            owner=owner,
            token=Run.token + 1,
            attempt=Run.attempt + 1,
            futile_attempts=Run.futile_attempts + 1,
            heartbeat_at=now,
            lease_until=now + lease_s,
            started_at=func.coalesce(Run.started_at, now),
            stale=case((Run.started_at.is_(None), has_stale_parent(run_id)), else_=Run.stale),
            error=None,
            pace_s=None,
        )
        .returning(Run.attempt, Run.token, Run.round)
    )
    if attempt is not None:
        claimed = claimed.where(Run.attempt == attempt - 1)
    row = session.execute(claimed).one_or_none()
    return None if row is None else Claim(run_id, owner, *row, lease_s)


@writes
def finish(session: Session, claim: Claim, result: JsonObject | None = None) -> None:
    """The job is done.

    One that was asked to stop too late to see it has the runs that wait for it cancelled in its place.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    _leave(session, claim, RunState.SUCCEEDED, result=result, error=None)
    parent = aliased(Run)
    is_stopped = exists().where(
        RunParent.run_id == Run.id,
        RunParent.parent_id == parent.id,
        parent.id == claim.run_id,
        parent.stop_requested,
    )
    following = update(Run).where(Run.state.in_(WAITING), is_stopped)
    session.execute(
        following.values(state=RunState.CANCELLED, token=Run.token + 1, finished_at=database_now())
    )


@writes
def fail(session: Session, claim: Claim, error: str) -> None:
    """The job ended with an error that trying again would not fix; `error` says so in words.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    _leave(session, claim, RunState.FAILED, error=error)


@writes
def acknowledge_stop(session: Session, claim: Claim) -> None:
    """The job stopped because a user asked it to.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    _leave(session, claim, RunState.CANCELLED, error=None)


@writes
def give_back(session: Session, claim: Claim) -> None:
    """The owner shuts down in good order; the run continues elsewhere, and no attempt is lost.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    run = _locked(session, claim.run_id)
    _leave(
        session,
        claim,
        RunState.CANCELLED if run.stop_requested else RunState.INTERRUPTED,
        futile_attempts=max(0, run.futile_attempts - 1),
        error="its worker was shut down",
    )


@writes
def interrupt(session: Session, claim: Claim, cause: str) -> RunState:
    """The job's process died under its living owner; returns what becomes of the run.

    Args:
        cause: what is known about its end, as in "killed by signal 9".

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    run = _locked(session, claim.run_id)
    state, error = after_vanishing(run, cause)
    _leave(session, claim, state, error=error, troubles=remembered(run, state, cause))
    return state


def _leave(session: Session, claim: Claim, state: RunState, **columns: Any) -> None:
    left = (
        update(Run)
        .where(Run.id == claim.run_id, Run.token == claim.token, Run.state == RunState.RUNNING)
        .values(state=state, **_UNOWNED, **columns)
        .returning(Run.id)
    )
    if state in FINISHED:
        left = left.values(finished_at=database_now())
    if session.execute(left).one_or_none() is not None:
        notices.note_end(session, claim.run_id)
        return
    # The same call may come twice if the connection broke after the first one was kept.
    now = session.execute(select(Run.token, Run.state).where(Run.id == claim.run_id)).one_or_none()
    if now is None or (now.token, now.state) != (claim.token, state):
        raise StaleOwnerError(
            f"run {claim.run_id} is not held by {claim.owner} (attempt {claim.attempt}) any more, "
            f"so it was not marked {state}"
        )


@writes
@action("stop run", Role.MEMBER, on=of_run)
def request_stop(session: Session, run_id: int) -> RunState:
    """Ask a run to stop; a waiting one is cancelled at once, a finished one stays as it is.

    Returns:
        The run's state afterwards; `running` means that its job will see the request.

    Raises:
        NotFoundError: there is no such run.
    """
    run = _locked(session, run_id)
    if run.state in WAITING:
        _cancel_waiting(session, run)
    elif run.state is RunState.RUNNING and not run.stop_requested:
        run.stop_requested = True
    else:
        nothing_done(session)
    return run.state


@writes
def withdraw(session: Session, run_id: int) -> RunState | None:
    """Cancel a run if it waits, and leave it alone if it runs; for a job that needs what it would make, and
    makes that itself.

    Returns:
        Its state afterwards; None if it is gone.
    """
    run = session.scalar(select(Run).where(Run.id == run_id).with_for_update())
    if run is None:
        return None
    if run.state in WAITING:
        _cancel_waiting(session, run)
    return run.state


@writes
@action("resume run", Role.MEMBER, on=of_run)
def resume(session: Session, run_id: int) -> None:
    """Let a failed or cancelled run continue from its last checkpoint.

    Raises:
        NotFoundError: there is no such run.
        TransitionError: it has succeeded; or nothing is wrong with it.
    """
    run = _locked(session, run_id)
    if run.state not in {RunState.FAILED, RunState.CANCELLED}:
        raise TransitionError(
            f"run {run_id} is {run.state}; only a failed or cancelled run can be resumed"
        )
    _queue_again(run)


@writes
@action("run again", Role.MEMBER, on=of_run)
def rerun(session: Session, run_id: int) -> list[int]:
    """Do a run again from nothing; what it wrote before goes, what was built on it is marked stale.

    Returns:
        The ids of the runs that were marked.

    Raises:
        NotFoundError: there is no such run.
        TransitionError: it is queued already, or running.
    """
    run = _locked(session, run_id)
    if run.state in {RunState.QUEUED, RunState.RUNNING}:
        raise TransitionError(f"run {run_id} is {run.state} already; stop it first")
    _queue_again(run)
    run.round += 1
    run.step = run.furthest_step = 0
    run.num_steps = run.result = run.started_at = None
    run.checkpoint_step = run.pace_s = run.troubles = None
    run.stale = False
    former_votes.set_aside(session, run_id)
    for table in (Metric, SampledAnswerRow, Generation, LogPosition, RunArtifact):
        session.execute(delete(table).where(table.run_id == run_id))
    marked = (
        update(Run)
        .where(Run.id.in_(descendants(run_id)), Run.started_at.is_not(None))
        .values(stale=True)
        .returning(Run.id)
    )
    return sorted(session.scalars(marked))


def _cancel_waiting(session: Session, run: Run) -> None:
    run.state = RunState.CANCELLED
    run.token += 1
    run.finished_at = _time(session)


def _queue_again(run: Run) -> None:
    run.state = RunState.QUEUED
    run.token += 1
    run.futile_attempts = 0
    run.stop_requested = False
    run.error = run.finished_at = run.owner = run.pid = run.lease_until = None


@dataclass(frozen=True)
class Vanished:
    """A run whose lease ran out, and what became of it."""

    run_id: int
    owner: str
    state: RunState
    """interrupted (it continues), failed (tried too often), cancelled (it had been asked to stop)."""


def reconcile(database: Database) -> list[Vanished]:
    """Take the runs whose lease ran out from their owners; any number of processes may call it."""
    taken = [_take_from_vanished(database, run_id) for run_id in _expired(database)]
    return [vanished for vanished in taken if vanished is not None]


@reads
def _expired(session: Session) -> list[int]:
    return list(session.scalars(select(Run.id).where(*_EXPIRED)))


_EXPIRED = (Run.state == RunState.RUNNING, Run.lease_until < database_now())


@writes
def _take_from_vanished(session: Session, run_id: int) -> Vanished | None:
    run = session.scalar(select(Run).where(Run.id == run_id, *_EXPIRED).with_for_update())
    if run is None:
        return None
    owner = run.owner or "nobody"
    cause = f"its worker {owner} gave no sign of life"
    run.state, run.error = after_vanishing(run, cause)
    run.troubles = remembered(run, run.state, cause)
    run.token += 1
    run.owner = run.pid = run.lease_until = None
    if run.state in FINISHED:
        run.finished_at = _time(session)
        session.flush()
        notices.note_end(session, run_id)
    return Vanished(run_id, owner, run.state)


def _locked(session: Session, run_id: int) -> Run:
    run = session.scalar(select(Run).where(Run.id == run_id).with_for_update())
    if run is None:
        raise NotFoundError(f"there is no run {run_id}; `grice runs` lists them")
    return run


def _time(session: Session) -> float:
    return session.scalars(select(database_now())).one()
