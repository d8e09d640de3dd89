"""Questions about runs, as pages and workers ask them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from grice_core.errors import NotFoundError
from grice_core.store.clock import database_now
from grice_core.store.database import reads, writes
from grice_core.store.lineage import runs_with
from grice_core.store.states import WAITING, Device, RunKind, RunState
from grice_core.store.tables import Pause, Run, RunParent

T = TypeVar("T")


@dataclass(frozen=True)
class RunFilter:
    """Which runs a page shows; None and empty mean all."""

    pipeline_id: int | None = None
    states: Collection[RunState] = ()
    kinds: Collection[RunKind] = ()
    before_id: int | None = None
    """Only older runs than this one: the last id of the page before."""


ALL = RunFilter()


@reads
def get(session: Session, run_id: int) -> Run:
    """One run.

    Raises:
        NotFoundError: there is no such run.
    """
    run = session.get(Run, run_id)
    if run is None:
        raise NotFoundError(f"there is no run {run_id}; `grice runs` lists them")
    return run


@reads
def find(session: Session, run_id: int) -> Run | None:
    """One run; None if there is none with this number."""
    return session.get(Run, run_id)


@reads
def with_key(session: Session, key: str) -> Run | None:
    """The run that was submitted with this key, if one was."""
    return session.scalars(select(Run).where(Run.key == key)).one_or_none()


@reads
def page(session: Session, wanted: RunFilter = ALL, limit: int = 50) -> Sequence[Run]:
    """The newest runs first."""
    query = select(Run).order_by(Run.id.desc()).limit(limit)
    if wanted.pipeline_id is not None:
        query = query.where(Run.pipeline_id == wanted.pipeline_id)
    if wanted.states:
        query = query.where(Run.state.in_(wanted.states))
    if wanted.kinds:
        query = query.where(Run.kind.in_(wanted.kinds))
    if wanted.before_id is not None:
        query = query.where(Run.id < wanted.before_id)
    return session.scalars(query).all()


@reads
def of_pipeline(session: Session, pipeline_id: int) -> Sequence[Run]:
    """The runs of a pipeline, parents before children."""
    return session.scalars(select(Run).where(Run.pipeline_id == pipeline_id).order_by(Run.id)).all()


@reads
def count_by_state(session: Session) -> dict[RunState, int]:
    """How many runs are in each state; states without a run are left out."""
    rows = session.execute(select(Run.state, func.count()).group_by(Run.state))
    return dict(rows.all())


@reads
def not_succeeded(
    session: Session, run_ids: Collection[int], without: Collection[int] = ()
) -> set[int]:
    """Which of these runs are there and have not succeeded, those of some pipelines left out."""
    here = Run.id.in_(run_ids), Run.state != RunState.SUCCEEDED
    others = Run.id.not_in(runs_with(without))
    return set(session.scalars(select(Run.id).where(*here, others)))


@writes
def while_unclaimed(session: Session, run_id: int, act: Callable[[RunState | None], T]) -> T:
    """Do something with a run's state, None if it is gone, while no worker can take the run.

    Args:
        act: is given the state; may be called again, as every transaction may.
    """
    state = select(Run.state).where(Run.id == run_id).with_for_update()
    return act(session.scalar(state))


@reads
def parents(session: Session, run_id: int) -> Sequence[Run]:
    """The runs that this one is built on."""
    return session.scalars(
        select(Run).join(RunParent, RunParent.parent_id == Run.id).where(RunParent.run_id == run_id)
    ).all()


@reads
def ready(session: Session, device: Device | None = None, limit: int = 1000) -> Sequence[Run]:
    """The runs that a worker could claim now, in the order of the queue."""
    parent = aliased(Run)
    paused = exists().where(Pause.device == Run.device)
    blocked = exists().where(
        RunParent.run_id == Run.id,
        RunParent.parent_id == parent.id,
        parent.state != RunState.SUCCEEDED,
    )
    query = waiting(device).where(~blocked, ~paused).limit(limit)
    return session.scalars(query).all()


def waiting(device: Device | None = None) -> Select[Run]:
    """Query: the runs that wait, in the order of the queue; part of a larger transaction."""
    query = select(Run).where(Run.state.in_(WAITING))
    if device is not None:
        query = query.where(Run.device == device)
    return query.order_by(Run.priority.desc(), Run.position, Run.id)


@dataclass(frozen=True)
class Load:
    """The runs of one kind in one state."""

    kind: RunKind
    state: RunState
    num_runs: int
    num_claims: int
    """How often workers took them, over all of their attempts."""


@reads
def load(session: Session) -> list[Load]:
    """All runs, counted by kind and state."""
    counted = select(Run.kind, Run.state, func.count(), func.sum(Run.attempt))
    rows = session.execute(counted.group_by(Run.kind, Run.state)).all()
    return [Load(kind, state, num, int(claims)) for kind, state, num, claims in rows]


@reads
def longest_waits(session: Session) -> dict[Device, float]:
    """Seconds for which the longest-waiting run of each class of worker could have been taken."""
    parent = aliased(Run)
    free_since = (
        select(func.max(parent.finished_at))
        .join(RunParent, RunParent.parent_id == parent.id)
        .where(RunParent.run_id == Run.id)
        .scalar_subquery()
    )
    blocked = exists().where(
        RunParent.run_id == Run.id,
        RunParent.parent_id == parent.id,
        parent.state != RunState.SUCCEEDED,
    )
    waited = database_now() - func.coalesce(free_since, Run.created_at)
    query = select(Run.device, func.max(waited)).where(Run.state.in_(WAITING), ~blocked)
    return dict(session.execute(query.group_by(Run.device)).all())
