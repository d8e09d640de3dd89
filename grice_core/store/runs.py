"""Questions about runs, as pages and workers ask them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from grice_core.errors import NotFoundError
from grice_core.store.database import reads, writes
from grice_core.store.states import WAITING, Device, RunKind, RunState
from grice_core.store.tables import Run, RunParent


@dataclass(frozen=True)
class Obstacle:
    """A parent that has not succeeded, so that its child waits."""

    run_id: int
    """The child."""
    parent_id: int
    kind: RunKind
    stage: str | None
    state: RunState
    """If it is finished, the child waits until somebody resumes this parent or runs it again."""


@dataclass(frozen=True)
class QueueEntry:
    """A waiting run, its place, and what it waits for."""

    run: Run
    position: int | None
    """1: the next one that a worker of its device takes; None: its parents come first."""
    obstacles: tuple[Obstacle, ...]


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
def states(session: Session, run_ids: Collection[int]) -> dict[int, RunState]:
    """The state of each of these runs; those that are not there are left out."""
    rows = session.execute(select(Run.id, Run.state).where(Run.id.in_(run_ids)))
    return dict(rows.all())


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
    blocked = exists().where(
        RunParent.run_id == Run.id,
        RunParent.parent_id == parent.id,
        parent.state != RunState.SUCCEEDED,
    )
    query = _waiting(device).where(~blocked).limit(limit)
    return session.scalars(query).all()


@reads
def queue(session: Session, device: Device | None = None) -> list[QueueEntry]:
    """All waiting runs in the order of the queue, with what each of them waits for."""
    waiting = session.scalars(_waiting(device)).all()
    obstacles = _obstacles(session)
    places: dict[Device, int] = {}
    entries = []
    for run in waiting:
        in_the_way = tuple(obstacles.get(run.id, ()))
        if not in_the_way:
            places[run.device] = places.get(run.device, 0) + 1
        entries.append(QueueEntry(run, None if in_the_way else places[run.device], in_the_way))
    return entries


@writes
def move_to(session: Session, run_id: int, position: int) -> None:
    """Put a waiting run at this place (1 is first) among those of its device and priority.

    Raises:
        NotFoundError: no such run is waiting.
    """
    run = session.get(Run, run_id)
    if run is None or run.state not in WAITING:
        raise NotFoundError(f"run {run_id} is not waiting, so it can't be moved in the queue")
    others = session.scalars(
        _waiting(run.device).where(Run.priority == run.priority, Run.id != run_id).with_for_update()
    ).all()
    order = [*others[: position - 1], run, *others[position - 1 :]]
    places = sorted(waiting.position for waiting in order)
    for index, waiting in enumerate(order):
        # Two runs submitted at the same moment may share a place, which would undo the order.
        places[index] = max(places[index], places[index - 1] + 1) if index else places[index]
        waiting.position = places[index]


@writes
def set_priority(session: Session, run_id: int, priority: int) -> None:
    """Let a run go before all runs with a lower priority.

    Raises:
        NotFoundError: there is no such run.
    """
    run = session.get(Run, run_id)
    if run is None:
        raise NotFoundError(f"there is no run {run_id}; `grice runs` lists them")
    run.priority = priority


def _waiting(device: Device | None) -> Select[Run]:
    query = select(Run).where(Run.state.in_(WAITING))
    if device is not None:
        query = query.where(Run.device == device)
    return query.order_by(Run.priority.desc(), Run.position, Run.id)


def _obstacles(session: Session) -> dict[int, list[Obstacle]]:
    """For each waiting run, its parents that have not succeeded."""
    parent = aliased(Run)
    rows = session.execute(
        select(Run.id, parent.id, parent.kind, parent.stage, parent.state)
        .join(RunParent, RunParent.run_id == Run.id)
        .join(parent, RunParent.parent_id == parent.id)
        .where(Run.state.in_(WAITING), parent.state != RunState.SUCCEEDED)
        .order_by(parent.id)
    )
    found: dict[int, list[Obstacle]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Obstacle(*row))
    return found
