"""Exports of a pipeline's stages: runs beside the pipeline, each with the files that it made."""

from collections.abc import Sequence

from sqlalchemy import delete, literal, select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError, TransitionError
from grice_core.store.actions import action
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.lineage import stands_beside
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Run
from grice_core.store.targets import of_run

EXPORTED = "exported"
"""Role of the folder that an export has made."""


@reads
def of_pipeline(session: Session, pipeline_id: int) -> Sequence[Run]:
    """The exports of a pipeline's stages, the newest first."""
    of_it = stands_beside(literal(pipeline_id)) & (Run.kind == RunKind.EXPORT_MODEL)
    return session.scalars(select(Run).where(of_it).order_by(Run.id.desc())).all()


@writes
@action("remove export", Role.MEMBER, on=of_run)
def remove(session: Session, run_id: int) -> None:
    """Forget an export; the next collection throws its files away.

    Raises:
        NotFoundError: there is no such export.
        TransitionError: it is being made.
    """
    run = session.scalar(select(Run).where(Run.id == run_id).with_for_update())
    if run is None or run.kind is not RunKind.EXPORT_MODEL:
        raise NotFoundError(f"there is no export {run_id}")
    if run.state is RunState.RUNNING:
        raise TransitionError(f"run {run_id} is running; stop it before removing what it makes")
    session.execute(delete(Run).where(Run.id == run_id))
