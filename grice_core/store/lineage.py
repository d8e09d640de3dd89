"""What a run or a sweep is built on, and what is built on it; parts of larger transactions."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from grice_core.store.states import BESIDE_PIPELINES, RunState, SweepState
from grice_core.store.tables import Run, RunParent, Sweep, SweepMember


def parents_succeeded(session: Session, run_id: int) -> bool:
    """Whether nothing holds a run back; until the transaction ends, no parent can be run again."""
    states = session.scalars(
        select(Run.state)
        .join(RunParent, RunParent.parent_id == Run.id)
        .where(RunParent.run_id == run_id)
        .order_by(Run.id)
        .with_for_update(read=True, of=Run)
    )
    return all(state is RunState.SUCCEEDED for state in states)


def has_stale_parent(run_id: int) -> ColumnElement[bool]:
    """Condition: something that the run is built on is stale."""
    parent = aliased(Run)
    return exists().where(
        RunParent.run_id == run_id, RunParent.parent_id == parent.id, parent.stale
    )


def descendants(run_id: int) -> Select[int]:
    """Query: the ids of all runs that wait for this one, directly or through others."""
    tree = (
        select(RunParent.run_id.label("id"))
        .where(RunParent.parent_id == run_id)
        .cte(recursive=True)
    )
    tree = tree.union(select(RunParent.run_id).join(tree, RunParent.parent_id == tree.c.id))
    return select(tree.c.id)


def stands_beside(
    pipeline_id: ColumnElement[int] | InstrumentedAttribute[int],
) -> ColumnElement[bool]:
    """Condition: a run is none of the pipeline's chain, and goes with the pipeline."""
    return Run.kind.in_(BESIDE_PIPELINES) & (_named_pipeline() == pipeline_id)


def runs_with(pipeline_ids: Collection[int]) -> Select[int]:
    """Query: the ids of all runs that go with these pipelines: of their chains, and beside them."""
    beside = Run.kind.in_(BESIDE_PIPELINES) & _named_pipeline().in_(pipeline_ids)
    return select(Run.id).where(or_(Run.pipeline_id.in_(pipeline_ids), beside))


def _named_pipeline() -> ColumnElement[int]:
    named: ColumnElement[int] = Run.spec["pipeline_id"].as_integer()
    return named


def swept_pipelines() -> Select[int | None]:
    """Query: the pipelines of sweeps that are under way."""
    members = select(SweepMember.pipeline_id).join(Sweep, Sweep.id == SweepMember.sweep_id)
    there = SweepMember.pipeline_id.is_not(None)
    return members.where(Sweep.state == SweepState.RUNNING, there)
