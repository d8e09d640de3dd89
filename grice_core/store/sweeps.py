"""Sweeps and their members; what comes next in one is for `grice_core.sweep` to say.

Workers note what they find under a lock on the sweep's row, and only if it is as they saw it, so any
number of them may look at once, and one that is killed leaves nothing half done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError, TransitionError
from grice_core.store import notices, recipes, submission
from grice_core.store.actions import Target, acting, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.clock import database_now
from grice_core.store.database import reads, writes
from grice_core.store.states import FINISHED, Device, NoticeEvent, RunState, SweepState
from grice_core.store.submission import PipelineDraft
from grice_core.store.tables import JsonObject, Run, Sweep, SweepMember
from grice_core.store.targets import of_sweep
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class SweepDraft:
    """A sweep to be asked for."""

    key: str
    """Submitting the same key again changes nothing."""
    name: str
    recipe_id: int
    data_set_id: int
    eval_data_set_id: int
    detector_id: int | None
    device: Device
    pipeline: JsonObject
    search: JsonObject


@dataclass(frozen=True)
class MemberKey:
    """Which member of which sweep."""

    sweep_id: int
    name: str
    seed: int
    half: str

    @classmethod
    def of(cls, member: SweepMember) -> "MemberKey":
        """Of a row."""
        return cls(member.sweep_id, member.name, member.seed, member.half)


@dataclass(frozen=True)
class MemberDraft:
    """A pipeline to be asked for by a sweep."""

    name: str
    seed: int
    half: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MemberStanding:
    """A member, and how its pipeline stands."""

    member: SweepMember
    runs: tuple[Run, ...]
    """Of its pipeline; none if it is not submitted yet, or was removed."""


@writes
@action("launch sweep", Role.MEMBER, on=lambda _, draft: Target("sweep", name=draft.name))
def submit(session: Session, draft: SweepDraft) -> int:
    """Ask for a sweep; returns its id, old or new.

    Raises:
        NotAllowedError: a viewer asks.
    """
    known = select(Sweep.id).where(Sweep.key == draft.key)
    if (old := session.scalars(known).one_or_none()) is not None:
        nothing_done(session)
        return old
    row = insert_into(session, Sweep).values(
        **vars(draft), state=SweepState.RUNNING, started_by=acting(session).name or None
    )
    made = row.on_conflict_do_nothing(index_elements=["key"]).returning(Sweep.id)
    sweep_id = session.execute(made).scalar_one_or_none()
    if sweep_id is None:  # another process was faster
        nothing_done(session)
        return session.scalars(known).one()
    return int(sweep_id)


@reads
def get(session: Session, sweep_id: int) -> Sweep:
    """One sweep.

    Raises:
        NotFoundError: there is no such sweep.
    """
    sweep = session.get(Sweep, sweep_id)
    if sweep is None:
        raise NotFoundError(f"there is no sweep {sweep_id}; `grice sweeps` lists them")
    return sweep


@reads
def page(session: Session, limit: int = 100) -> Sequence[Sweep]:
    """The newest sweeps first."""
    return session.scalars(select(Sweep).order_by(Sweep.id.desc()).limit(limit)).all()


@reads
def under_way(session: Session) -> Sequence[Sweep]:
    """The sweeps in which something may come next."""
    running = select(Sweep).where(Sweep.state == SweepState.RUNNING)
    return session.scalars(running.order_by(Sweep.id)).all()


@reads
def members(session: Session, sweep_id: int) -> list[MemberStanding]:
    """The members of a sweep in the order in which they were asked for."""
    found = session.scalars(_members(sweep_id)).all()
    ids = {each.pipeline_id for each in found if each.pipeline_id is not None}
    chains: dict[int, list[Run]] = {number: [] for number in ids}
    for run in session.scalars(select(Run).where(Run.pipeline_id.in_(ids)).order_by(Run.id)):
        chains[run.pipeline_id or 0].append(run)
    return [MemberStanding(each, tuple(chains.get(each.pipeline_id or 0, ()))) for each in found]


def _members(sweep_id: int) -> Select[SweepMember]:
    query = select(SweepMember).where(SweepMember.sweep_id == sweep_id)
    order = SweepMember.created_at, SweepMember.half.desc(), SweepMember.name, SweepMember.seed
    return query.order_by(*order)


@writes
def add_members(
    session: Session, sweep_id: int, num_known: int, drafts: Sequence[MemberDraft]
) -> bool:
    """Note the pipelines that come next; returns False if another was faster.

    Args:
        num_known: how many members the sweep had when it was asked what comes next.
    """
    is_running = _lock(session, sweep_id) is SweepState.RUNNING
    counted = select(func.count()).where(SweepMember.sweep_id == sweep_id)
    if not is_running or session.scalars(counted).one() != num_known:
        return False
    session.add_all(SweepMember(sweep_id=sweep_id, **vars(draft)) for draft in drafts)
    return True


@writes
def launch_member(
    session: Session, key: MemberKey, draft: PipelineDraft, recipe: recipes.RecipeDraft | None
) -> bool:
    """Put a member's pipeline into the queue; returns False if the sweep was stopped meanwhile.

    Args:
        recipe: the member's own, which is saved first; None: the sweep's.
    """
    if _lock(session, key.sweep_id) is not SweepState.RUNNING:
        return False
    member = session.get_one(SweepMember, (key.sweep_id, key.name, key.seed, key.half))
    if member.submitted:  # by another worker
        return True
    if recipe is not None:
        member.recipe_id = recipes.keep(session, recipe)
        draft = replace(draft, recipe_id=member.recipe_id)
    member.pipeline_id, _ = submission.put(session, draft)
    member.submitted = True
    return True


@writes
def note_outcome(
    session: Session,
    key: MemberKey,
    seconds: float,
    rates: JsonObject | None = None,
    failure: str | None = None,
) -> None:
    """Note what became of a member's pipeline; figures that are there stay."""
    _lock(session, key.sweep_id)
    member = session.get_one(SweepMember, (key.sweep_id, key.name, key.seed, key.half))
    if member.rates is None:
        member.seconds, member.rates, member.failure = seconds, rates, failure


@writes
def finish(
    session: Session, sweep_id: int, result: JsonObject, winner: recipes.RecipeDraft | None
) -> None:
    """The sweep is done.

    Args:
        winner: its recipe, which is saved; None: the sweep's own. The result says its number.
    """
    if _lock(session, sweep_id) is not SweepState.RUNNING:
        return
    recipe_id = session.get_one(Sweep, sweep_id).recipe_id
    if winner is not None:
        recipe_id = recipes.keep(session, winner)
    _end(session, sweep_id, SweepState.SUCCEEDED, result=result | {"recipe_id": recipe_id})
    notices.note_sweep_end(session, sweep_id, NoticeEvent.SUCCEEDED)


@writes
def fail(session: Session, sweep_id: int, error: str) -> None:
    """The sweep can't continue, and why."""
    if _lock(session, sweep_id) is SweepState.RUNNING:
        _end(session, sweep_id, SweepState.FAILED, error=error)
        notices.note_sweep_end(session, sweep_id, NoticeEvent.FAILED)


@writes
@action("cancel sweep", Role.MEMBER, on=of_sweep)
def cancel(session: Session, sweep_id: int) -> list[int]:
    """Let nothing further of a sweep begin; returns its runs that are still to be stopped.

    Raises:
        NotFoundError: there is no such sweep.
    """
    if _lock(session, sweep_id) is not SweepState.RUNNING:
        nothing_done(session)
        return []
    _end(session, sweep_id, SweepState.CANCELLED)
    return list(session.scalars(_runs_of(sweep_id).where(Run.state.not_in(FINISHED))))


@writes
@action("resume sweep", Role.MEMBER, on=of_sweep)
def resume(session: Session, sweep_id: int) -> list[int]:
    """Let a failed or cancelled sweep continue; what came to nothing is tried again.

    Returns:
        Its runs that are to be resumed.

    Raises:
        NotFoundError: there is no such sweep.
        TransitionError: it has succeeded; or nothing is wrong with it.
    """
    state = _lock(session, sweep_id)
    if state not in {SweepState.FAILED, SweepState.CANCELLED}:
        raise TransitionError(
            f"sweep {sweep_id} is {state}; only a failed or cancelled sweep can be resumed"
        )
    session.execute(
        update(Sweep)
        .where(Sweep.id == sweep_id)
        .values(state=SweepState.RUNNING, error=None, finished_at=None)
    )
    for member in session.scalars(_members(sweep_id)):
        member.failure = None
        if member.pipeline_id is None:
            member.submitted, member.rates = False, None
    can_resume = Run.state.in_([RunState.FAILED, RunState.CANCELLED])
    return list(session.scalars(_runs_of(sweep_id).where(can_resume)))


@writes
@action("remove sweep", Role.MEMBER, on=of_sweep)
def remove(session: Session, sweep_id: int) -> None:
    """Forget a sweep; its pipelines stay.

    Raises:
        NotFoundError: there is no such sweep.
        TransitionError: it is under way.
    """
    if _lock(session, sweep_id) is SweepState.RUNNING:
        raise TransitionError(f"sweep {sweep_id} is under way; cancel it before removing it")
    session.execute(delete(Sweep).where(Sweep.id == sweep_id))


def _runs_of(sweep_id: int) -> Select[int]:
    """Query: the runs of a sweep's pipelines."""
    pipelines = select(SweepMember.pipeline_id).where(SweepMember.sweep_id == sweep_id)
    return select(Run.id).where(Run.pipeline_id.in_(pipelines)).order_by(Run.id)


def _lock(session: Session, sweep_id: int) -> SweepState:
    """A sweep's state, which no one else changes until the transaction ends."""
    state = select(Sweep.state).where(Sweep.id == sweep_id).with_for_update()
    found = session.scalars(state).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no sweep {sweep_id}; `grice sweeps` lists them")
    return found


def _end(session: Session, sweep_id: int, state: SweepState, **columns: Any) -> None:
    ended = update(Sweep).where(Sweep.id == sweep_id)
    session.execute(ended.values(state=state, finished_at=database_now(), **columns))
