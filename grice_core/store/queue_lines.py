"""The queue as people see it: pipelines and single runs that wait, in the order in which they go.

Workers take runs (`runs.ready`); people move pipelines. So the waiting runs of a pipeline are one
line here, and are moved together.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, aliased

from grice_core.errors import NotFoundError
from grice_core.store.actions import Target, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.runs import waiting
from grice_core.store.states import WAITING, Device, RunKind, RunState
from grice_core.store.tables import Pause, Pipeline, Run, RunParent
from grice_core.store.targets import of_run
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class Obstacle:
    """A parent that has not succeeded, so that its child waits."""

    run_id: int
    """The child."""
    parent_id: int
    kind: RunKind
    stage: str | None
    state: RunState
    """If it is finished, the child waits until a user resumes this parent or runs it again."""


@dataclass(frozen=True)
class QueueLine:
    """A pipeline's waiting runs, or one run that stands on its own."""

    runs: tuple[Run, ...]
    """Those that wait, in their order."""
    name: str | None
    """Of the pipeline."""
    position: int | None
    """1: the next that a worker of its device takes; None: it is under way, or stands still."""
    is_under_way: bool
    """One of its runs is running, and the others continue from there."""
    obstacles: tuple[Obstacle, ...]
    """What its first run waits for."""

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def stands_still(self) -> bool:
        """Nothing will happen unless a user resumes what it waits for."""
        return self.position is None and not self.is_under_way


@reads
def lines(session: Session) -> list[QueueLine]:
    """All that waits: first what is under way, then in the order of the queue, then what stands still."""
    found = _lines(session)
    return sorted(found, key=lambda line: (not line.is_under_way, line.stands_still))


@reads
def num_waiting(session: Session) -> int:
    """How many runs will be taken without anybody asking again."""
    return sum(len(line.runs) for line in _lines(session) if not line.stands_still)


@reads
def paused(session: Session) -> frozenset[Device]:
    """The classes of workers that take nothing new."""
    return frozenset(session.scalars(select(Pause.device)))


def _whole_queue(*_: object, **__: object) -> Target:
    return Target("queue")


@writes
@action("pause queue", Role.ADMIN, on=_whole_queue)
def pause(session: Session, devices: Collection[Device] = tuple(Device)) -> None:
    """Let workers of these classes take nothing new; running jobs continue."""
    rows = [{"device": device} for device in devices]
    paused = insert_into(session, Pause).values(rows).on_conflict_do_nothing()
    _note_whether(session, session.scalars(paused.returning(Pause.device)).all())


@writes
@action("resume queue", Role.ADMIN, on=_whole_queue)
def unpause(session: Session, devices: Collection[Device] = tuple(Device)) -> None:
    """Let workers of these classes take runs again."""
    unpaused = delete(Pause).where(Pause.device.in_(devices))
    _note_whether(session, session.scalars(unpaused.returning(Pause.device)).all())


def _note_whether(session: Session, changed: Collection[Device]) -> None:
    if not changed:
        nothing_done(session)


@writes
@action("move in queue", Role.MEMBER, on=of_run)
def move(session: Session, run_id: int, position: int) -> None:
    """Put the line of a waiting run at this place (1 is first) among those of its device.

    Raises:
        NotFoundError: no such run is waiting for its turn.
    """
    run = session.get(Run, run_id)
    session.execute(waiting().with_for_update())  # no one else moves or takes any meanwhile
    found = [line for line in _lines(session) if line.position is not None]
    moved = next((line for line in found if run_id in {each.id for each in line.runs}), None)
    if run is None or moved is None:
        raise NotFoundError(f"run {run_id} is not waiting for its turn, so it can't be moved")
    same = [line for line in found if line.first.device is run.device and line is not moved]
    order = [*same[: position - 1], moved, *same[position - 1 :]]
    _number(run for line in order for run in line.runs)


def _number(order: Iterable[Run]) -> None:
    """Give runs, in this order, the places that they have among them."""
    waiting_runs = list(order)
    places = sorted(run.position for run in waiting_runs)
    priority = max(run.priority for run in waiting_runs)
    last = places[0] - 1
    for run, place in zip(waiting_runs, places, strict=True):
        # Two runs submitted at the same moment may share a place, which would undo the order.
        last = run.position = max(place, last + 1)
        run.priority = priority


def _lines(session: Session) -> list[QueueLine]:
    """One line per pipeline and per run without one, in the order of the queue."""
    obstacles = _obstacles(session)
    under_way = set(
        session.scalars(select(Run.pipeline_id).where(Run.state == RunState.RUNNING).distinct())
    )
    groups: dict[tuple[int, int], list[Run]] = {}
    for run in session.scalars(waiting()):
        groups.setdefault((run.pipeline_id or 0, 0 if run.pipeline_id else run.id), []).append(run)
    names = _names(session, [pipeline_id for pipeline_id, _ in groups])
    places: dict[Device, int] = {}
    found = []
    for (pipeline_id, _), of_line in groups.items():
        first = of_line[0]
        is_under_way = bool(pipeline_id) and pipeline_id in under_way
        in_the_way = tuple(obstacles.get(first.id, ()))
        goes = not is_under_way and not in_the_way
        if goes:
            places[first.device] = places.get(first.device, 0) + 1
        position = places[first.device] if goes else None
        name = names.get(pipeline_id)
        found.append(QueueLine(tuple(of_line), name, position, is_under_way, in_the_way))
    return found


def _names(session: Session, pipeline_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(Pipeline.id, Pipeline.name).where(Pipeline.id.in_(pipeline_ids)))
    return dict(rows.all())


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
