"""What an action is about, looked up by its number; parts of larger transactions.

Each `of_…` takes what the action's function takes, and looks at the number that comes first.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from grice_core.store.actions import Target
from grice_core.store.states import RunKind
from grice_core.store.tables import DataSet, Pipeline, Run, Sweep


def pipeline_target(pipeline: Pipeline) -> Target:
    """A pipeline, which belongs to whoever started it."""
    return _pipeline(pipeline.id, pipeline.name, pipeline.started_by)


def run_target(run: Run) -> Target:
    """A run, which belongs to whoever started it; a measurement belongs to everyone."""
    return _run(run.id, run.kind, run.stage, run.started_by)


def of_pipeline(session: Session, pipeline_id: int, *_: object, **__: object) -> Target:
    """The pipeline with this number; that there is none, the action itself says."""
    found = select(Pipeline.id, Pipeline.name, Pipeline.started_by).where(
        Pipeline.id == pipeline_id
    )
    row = session.execute(found).one_or_none()
    return Target("pipeline", pipeline_id) if row is None else _pipeline(*row)


def of_run(session: Session, run_id: int, *_: object, **__: object) -> Target:
    """The run with this number; that there is none, the action itself says."""
    # Columns, not the row: the action may read that again, under a lock.
    found = select(Run.id, Run.kind, Run.stage, Run.started_by).where(Run.id == run_id)
    row = session.execute(found).one_or_none()
    return Target("run", run_id) if row is None else _run(*row)


def of_data_set(session: Session, data_set_id: int, *_: object, **__: object) -> Target:
    """A data set; they belong to everyone."""
    name = session.scalars(select(DataSet.name).where(DataSet.id == data_set_id)).one_or_none()
    return Target("data set", data_set_id, name or "")


def sweep_target(sweep: Sweep) -> Target:
    """A sweep, which belongs to the person who started it."""
    return Target("sweep", sweep.id, sweep.name, sweep.started_by or "")


def of_sweep(session: Session, sweep_id: int, *_: object, **__: object) -> Target:
    """The sweep with this number; that there is none, the action itself says."""
    found = select(Sweep.name, Sweep.started_by).where(Sweep.id == sweep_id)
    row = session.execute(found).one_or_none()
    if row is None:
        return Target("sweep", sweep_id)
    return Target("sweep", sweep_id, row.name, row.started_by or "")


def _pipeline(pipeline_id: int, name: str, started_by: str | None) -> Target:
    return Target("pipeline", pipeline_id, name, started_by or "")


def _run(run_id: int, kind: RunKind, stage: str | None, started_by: str | None) -> Target:
    owner = None if kind is RunKind.ESTIMATE else started_by or ""
    return Target("run", run_id, kind.of_stage(stage), owner)
