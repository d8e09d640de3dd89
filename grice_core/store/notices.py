"""Notices: what happened to pipelines, until those who want to hear of it have heard.

A notice is written in the transaction in which its event happens, so none is lost with the process that
did it. Who sends one takes it for some minutes; if it dies meanwhile, another sends it once more. So each
address gets each notice at least once, and hardly ever twice.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, func, select, update
from sqlalchemy.orm import Session

from grice_core.store.claims import Claim, hold
from grice_core.store.clock import database_now
from grice_core.store.database import reads, writes
from grice_core.store.lineage import swept_pipelines
from grice_core.store.states import NoticeEvent, RunKind, RunState
from grice_core.store.tables import Notice, Pipeline, Run, SweepMember
from grice_core.store.upsert import insert_into

FORGOTTEN_AFTER_S = 24 * 3600.0
"""What is older than this is of no interest any more: it is sent no longer."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 60.0, 3600.0


@dataclass(frozen=True)
class DueNotice:
    """A notice that its taker is to send now."""

    id: int
    pipeline_id: int
    run_id: int
    event: NoticeEvent
    kind: RunKind
    stage: str | None
    step: int
    num_steps: int | None
    attempts: int
    """How often it was taken, this time included."""
    age_s: float
    reached: frozenset[int]
    """Positions of the addresses that have it."""
    verdict: str | None
    """Of the pipeline's evaluation, if there is one."""
    sweep_id: int | None = None
    """Of the sweep that the pipeline is one of, if there is one."""


def note_end(session: Session, run_id: int) -> None:
    """Note that a run's pipeline has failed or is done, if so; part of the transaction that ends the run.

    Of a sweep under way no single pipeline is of interest, but how it ends: see `note_sweep_end`.
    """
    run = session.execute(
        select(Run.pipeline_id, Run.state, Run.round, Run.attempt).where(Run.id == run_id)
    ).one()
    if run.pipeline_id is None or _is_swept(session, run.pipeline_id):
        return
    if run.state is RunState.FAILED:
        _note(session, run, run_id, NoticeEvent.FAILED)
    elif run.state is RunState.SUCCEEDED and _is_done(session, run.pipeline_id):
        _note(session, run, run_id, NoticeEvent.SUCCEEDED)


def _is_swept(session: Session, pipeline_id: int) -> bool:
    of_sweeps = swept_pipelines().where(SweepMember.pipeline_id == pipeline_id)
    return session.execute(of_sweeps.limit(1)).first() is not None


def note_sweep_end(session: Session, sweep_id: int, event: NoticeEvent) -> None:
    """Note that a sweep has failed or is done, at the last of its runs that did; part of the transaction
    that ends it."""
    state = RunState.FAILED if event is NoticeEvent.FAILED else RunState.SUCCEEDED
    last = (
        select(Run.id, Run.pipeline_id, Run.round, Run.attempt)
        .join(SweepMember, SweepMember.pipeline_id == Run.pipeline_id)
        .where(SweepMember.sweep_id == sweep_id, Run.state == state)
        .order_by(Run.finished_at.desc(), Run.id.desc())
        .limit(1)
    )
    run = session.execute(last).one_or_none()
    if run is not None:
        _note(session, run, run.id, event)


def _is_done(session: Session, pipeline_id: int) -> bool:
    # Of two runs that end at the same moment, the second one has to see the first.
    session.execute(select(Pipeline.id).where(Pipeline.id == pipeline_id).with_for_update())
    left = exists().where(Run.pipeline_id == pipeline_id, Run.state != RunState.SUCCEEDED)
    return not session.scalars(select(left)).one()


@writes
def note_stall(session: Session, claim: Claim) -> None:
    """Note that a run's process stands still; once per attempt.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim)
    run = session.execute(
        select(Run.pipeline_id, Run.round, Run.attempt).where(Run.id == claim.run_id)
    ).one()
    if run.pipeline_id is not None:
        _note(session, run, claim.run_id, NoticeEvent.STALLED)


def _note(session: Session, run: Any, run_id: int, event: NoticeEvent) -> None:
    row = insert_into(session, Notice).values(
        key=f"run-{run_id}/round-{run.round}/attempt-{run.attempt}/{event}",
        pipeline_id=run.pipeline_id,
        run_id=run_id,
        event=event,
        due_at=database_now(),
        reached={},
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["key"]))


@reads
def is_any_due(session: Session) -> bool:
    """Whether `take` would give something; cheap."""
    return bool(session.scalars(select(exists().where(*_DUE))).one())


@writes
def take(session: Session, for_s: float) -> DueNotice | None:
    """Take the oldest notice that is due; for so long no one else gets it."""
    oldest = select(Notice.id).where(*_DUE).order_by(Notice.id).limit(1).scalar_subquery()
    taken = (
        update(Notice)
        .where(Notice.id == oldest, *_DUE)
        .values(due_at=database_now() + for_s, attempts=Notice.attempts + 1)
        .returning(Notice.id)
    )
    notice_id = session.execute(taken).scalar_one_or_none()
    return None if notice_id is None else _due(session, notice_id)


_DUE = (Notice.done_at.is_(None), Notice.due_at <= database_now())


def _due(session: Session, notice_id: int) -> DueNotice:
    query = (
        select(
            Notice.id,
            Notice.pipeline_id,
            Notice.run_id,
            Notice.event,
            Run.kind,
            Run.stage,
            Run.step,
            Run.num_steps,
            Notice.attempts,
            (database_now() - Notice.created_at).label("age_s"),
            Notice.reached,
            _sweep_of(Notice.pipeline_id).label("sweep_id"),
        )
        .join(Run, Run.id == Notice.run_id)
        .where(Notice.id == notice_id)
    )
    columns = dict(session.execute(query).one()._mapping)
    reached = frozenset(int(position) for position in columns.pop("reached"))
    verdict = _verdict(session, columns["pipeline_id"])
    return DueNotice(**columns, reached=reached, verdict=verdict)


def _sweep_of(pipeline_id: SQLColumnExpression[int]) -> ColumnElement[int]:
    last = select(func.max(SweepMember.sweep_id)).where(SweepMember.pipeline_id == pipeline_id)
    return last.scalar_subquery()


def _verdict(session: Session, pipeline_id: int) -> str | None:
    query = select(Run.result["verdict"]["state"].as_string()).where(
        Run.pipeline_id == pipeline_id,
        Run.kind == RunKind.EVALUATE,
        Run.state == RunState.SUCCEEDED,
    )
    return session.scalars(query.order_by(Run.id.desc()).limit(1)).one_or_none()


@writes
def reach(session: Session, notice: DueNotice, position: int) -> None:
    """Say that an address has a notice."""
    row = session.get(Notice, notice.id)
    if row is not None:  # its pipeline may have been removed
        row.reached = {**row.reached, str(position): True}


@writes
def close(session: Session, notice: DueNotice, trouble: str | None = None) -> None:
    """Say that a notice needs to be sent no more: it was, it is not wanted, or it is given up.

    Args:
        trouble: why it is given up.
    """
    _settle(session, notice, done_at=database_now(), trouble=trouble)


@writes
def postpone(session: Session, notice: DueNotice, trouble: str) -> float:
    """Have a notice sent again later; returns in how many seconds: longer each time."""
    pause_s = min(_FIRST_PAUSE_S * 2 ** (notice.attempts - 1), _LONGEST_PAUSE_S)
    _settle(session, notice, due_at=database_now() + pause_s, trouble=trouble)
    return float(pause_s)


def _settle(
    session: Session, notice: DueNotice, **columns: ColumnElement[float] | str | None
) -> None:
    # Another may have taken it meanwhile: then that one says what becomes of it.
    ours = (Notice.id == notice.id, Notice.attempts == notice.attempts)
    session.execute(update(Notice).where(*ours).values(**columns))


@dataclass(frozen=True)
class NoticeCounts:
    """How it stands with notices."""

    num_waiting: int
    trouble: str | None
    """Why the last one that had trouble could not be sent; None: the last ones were sent."""


@reads
def counts(session: Session) -> NoticeCounts:
    """How many wait to be sent, and what keeps the newest of them."""
    waiting = select(Notice.trouble).where(Notice.done_at.is_(None)).order_by(Notice.id)
    troubles = session.scalars(waiting).all()
    return NoticeCounts(len(troubles), next(filter(None, reversed(troubles)), None))
