"""Holding a run: the fence that every write of its owner has to pass.

A claim carries a token that grows with every change of owner. An owner that was stopped, or cut
off, for longer than its lease may wake up after another worker took its run over: its token is old
by then, its writes touch no row, and it learns so by a `StaleOwnerError`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from grice_core.errors import StaleOwnerError
from grice_core.store.clock import database_now
from grice_core.store.database import writes
from grice_core.store.states import RunState
from grice_core.store.tables import JsonObject, Run

LEASE_S = 60.0
"""Seconds without a sign of life after which an owner counts as vanished."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a run, until another worker has it."""

    run_id: int
    owner: str
    """Worker that holds the run, as host and process."""
    attempt: int
    """1 for the first claim of the run; names the attempt's log."""
    token: int
    round: int
    """How often the run was begun again from nothing; names the folder of its scratch files."""
    lease_s: float = LEASE_S


@dataclass(frozen=True)
class Steps:
    """How far a run is."""

    done: int
    total: int | None = None
    """None: as before."""
    pace_s: float | None = None
    """Seconds per step; None: as before."""


def hold(session: Session, claim: Claim, steps: Steps | None = None, **columns: Any) -> bool:
    """Renew the lease, and write these columns with it; the first thing any owner's write does.

    Returns:
        Whether a user asked the run to stop.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    now = database_now()
    renewed = (
        update(Run)
        .where(Run.id == claim.run_id, Run.token == claim.token, Run.state == RunState.RUNNING)
        .values(heartbeat_at=now, lease_until=now + claim.lease_s, **columns)
        .returning(Run.stop_requested)
    )
    if steps is not None:
        renewed = renewed.values(**_advance(steps))
    stop_requested = session.execute(renewed).scalar_one_or_none()
    if stop_requested is None:
        raise StaleOwnerError(
            f"run {claim.run_id} is not held by {claim.owner} (attempt {claim.attempt}) any more; "
            "nothing was written"
        )
    return stop_requested


def _advance(steps: Steps) -> dict[str, Any]:
    further = steps.done > Run.furthest_step
    advanced: dict[str, Any] = {
        "step": steps.done,
        "furthest_step": case((further, steps.done), else_=Run.furthest_step),
        # Only what no attempt before has reached is progress; else a run that always dies at the
        # same step would be tried for ever.
        "futile_attempts": case((further, 0), else_=Run.futile_attempts),
    }
    if steps.total is not None:
        advanced["num_steps"] = steps.total
    if steps.pace_s is not None:
        advanced["pace_s"] = steps.pace_s
    return advanced


@writes
def heartbeat(session: Session, claim: Claim) -> bool:
    """Renew the lease; returns whether a user asked the run to stop.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    return hold(session, claim)


@writes
def report_steps(
    session: Session,
    claim: Claim,
    done: int,
    total: int | None = None,
    pace_s: float | None = None,
) -> bool:
    """Say how far the run is, and renew the lease; returns whether it was asked to stop.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    return hold(session, claim, Steps(done, total, pace_s))


@writes
def report_checkpoint(session: Session, claim: Claim, step: int) -> None:
    """Say that a checkpoint holds this many steps: there the run would continue.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim, checkpoint_step=step)


@writes
def report_found(
    session: Session, claim: Claim, result: JsonObject, *, is_further: bool = False
) -> bool:
    """Say what the run has found so far; returns whether it was asked to stop.

    Args:
        is_further: no attempt before has come as far, though its steps don't show it.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    columns: dict[str, Any] = {"futile_attempts": 0} if is_further else {}
    return hold(session, claim, result=result, **columns)


@writes
def report_trouble(session: Session, claim: Claim, kind: str, sentence: str) -> None:
    """Say what a person should know of the run; a kind that was said before is replaced.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    troubles = session.scalars(select(Run.troubles).where(Run.id == claim.run_id)).one_or_none()
    hold(session, claim, troubles={**(troubles or {}), kind: sentence})


@writes
def withdraw_trouble(session: Session, claim: Claim, kind: str) -> None:
    """Say that a trouble is over.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    troubles = session.scalars(select(Run.troubles).where(Run.id == claim.run_id)).one_or_none()
    left = {other: said for other, said in (troubles or {}).items() if other != kind}
    hold(session, claim, troubles=left or None)


@writes
def report_process(session: Session, claim: Claim, pid: int) -> None:
    """Say which process does the run's job, on the owner's host.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim, pid=pid)
