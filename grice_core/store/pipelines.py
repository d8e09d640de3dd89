"""Pipelines with the states of their runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError, TransitionError
from grice_core.store.actions import action
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.lineage import runs_with
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import JsonObject, Pipeline, Run
from grice_core.store.targets import of_pipeline


@dataclass(frozen=True)
class RunSummary:
    """As much of a run as a list of pipelines shows."""

    pipeline_id: int | None
    id: int
    kind: RunKind
    stage: str | None
    state: RunState
    stale: bool
    step: int
    num_steps: int | None


@dataclass(frozen=True)
class PipelineSummary:
    """A pipeline and its runs, parents before children."""

    pipeline: Pipeline
    runs: tuple[RunSummary, ...]

    def is_finished(self) -> bool:
        """Nothing of it will happen any more unless a user asks for it."""
        return all(run.state.is_finished() for run in self.runs)

    def has_succeeded(self) -> bool:
        """All of it is done."""
        return all(run.state is RunState.SUCCEEDED for run in self.runs)


@reads
def get(session: Session, pipeline_id: int) -> Pipeline:
    """One pipeline.

    Raises:
        NotFoundError: there is no such pipeline.
    """
    pipeline = session.get(Pipeline, pipeline_id)
    if pipeline is None:
        raise NotFoundError(f"there is no pipeline {pipeline_id}")
    return pipeline


@reads
def page(
    session: Session, before_id: int | None = None, limit: int = 50
) -> Sequence[PipelineSummary]:
    """The newest pipelines first, each with its runs.

    Args:
        before_id: only older ones than this: the last id of the page before.
    """
    query = select(Pipeline).order_by(Pipeline.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Pipeline.id < before_id)
    pipelines = session.scalars(query).all()
    rows = session.execute(
        select(
            Run.pipeline_id,
            Run.id,
            Run.kind,
            Run.stage,
            Run.state,
            Run.stale,
            Run.step,
            Run.num_steps,
        )
        .where(Run.pipeline_id.in_([pipeline.id for pipeline in pipelines]))
        .order_by(Run.id)
    )
    runs: dict[int, list[RunSummary]] = {pipeline.id: [] for pipeline in pipelines}
    for row in rows:
        run = RunSummary(*row)
        runs[run.pipeline_id or 0].append(run)
    return [PipelineSummary(pipeline, tuple(runs[pipeline.id])) for pipeline in pipelines]


@reads
def latest_result(session: Session, kind: RunKind = RunKind.EVALUATE) -> JsonObject | None:
    """The result of the last run of a kind that succeeded; by default the latest verdict."""
    return session.scalars(
        select(Run.result)
        .where(Run.state == RunState.SUCCEEDED, Run.kind == kind)
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()


@reads
def with_key(session: Session, key: str) -> int | None:
    """The id of the pipeline that was submitted with this key, if one was."""
    return session.scalars(select(Pipeline.id).where(Pipeline.key == key)).one_or_none()


@writes
@action("remove pipeline", Role.MEMBER, on=of_pipeline)
def remove(session: Session, pipeline_id: int) -> None:
    """Forget a pipeline with its runs; the next collection throws away what only they needed.

    Raises:
        NotFoundError: there is no such pipeline.
        TransitionError: one of its runs is running.
    """
    of_it = Run.id.in_(runs_with([pipeline_id]))
    for run_id, state in session.execute(select(Run.id, Run.state).where(of_it).with_for_update()):
        if state is RunState.RUNNING:
            raise TransitionError(f"run {run_id} is running; stop it before removing its pipeline")
    if not remove_rows(session, pipeline_id):
        raise NotFoundError(f"there is no pipeline {pipeline_id}")


def remove_rows(session: Session, pipeline_id: int) -> bool:
    """Part of a larger transaction: delete a pipeline with all runs that go with it; False: there is none."""
    session.execute(delete(Run).where(Run.id.in_(runs_with([pipeline_id]))))
    removed = delete(Pipeline).where(Pipeline.id == pipeline_id).returning(Pipeline.id)
    return session.execute(removed).one_or_none() is not None
