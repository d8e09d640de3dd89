"""Asking for runs; asking twice, in two tabs or by twenty threads, gives one of each.

A submission carries a key that stands for the intent, say a hash of what was chosen or a number
that the page drew when it was opened. The database lets each key in once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError
from grice_core.store import references
from grice_core.store.actions import Target, acting, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.database import writes
from grice_core.store.states import Device, RunKind
from grice_core.store.tables import JsonObject, Pipeline, Run, RunParent
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class RunDraft:
    """A run to be asked for."""

    key: str
    """Submitting the same key again changes nothing."""
    kind: RunKind
    spec: JsonObject
    """What the job is called with; JSON only."""
    device: Device = Device.CPU
    stage: str | None = None
    """Stage of the recipe that it trains."""
    parents: tuple[str, ...] = ()
    """Keys of the runs that it waits for: of earlier ones in the same submission, or submitted before."""
    priority: int = 0
    """Higher goes first."""


@dataclass(frozen=True)
class PipelineDraft:
    """A pipeline to be asked for, with its runs, parents before children."""

    key: str
    """Submitting the same key again changes nothing."""
    name: str
    recipe_id: int
    data_set_id: int
    base: str
    """Base model: hub id or folder."""
    runs: Sequence[RunDraft]
    eval_data_set_id: int | None = None
    detector_id: int | None = None
    trained_sha256: str | None = None
    """Output folder of another pipeline, whose stages this one only evaluates."""
    spec: JsonObject = field(default_factory=dict)
    """Everything else that the results depend on."""


def _pipeline(session: Session, draft: PipelineDraft) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("pipeline", name=draft.name)


def _run(session: Session, draft: RunDraft) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("run", name=draft.kind.of_stage(draft.stage))


@writes
@action("launch pipeline", Role.MEMBER, on=_pipeline)
def submit(session: Session, draft: PipelineDraft) -> int:
    """Ask for a pipeline with all its runs; returns its id, old or new.

    Raises:
        NotAllowedError: a viewer asks.
        NotFoundError: the stages that it shall only evaluate have been removed.
    """
    pipeline_id, is_new = put(session, draft)
    if not is_new:
        nothing_done(session)
    return pipeline_id


def put(session: Session, draft: PipelineDraft) -> tuple[int, bool]:
    """Part of a larger transaction: the pipeline's id, and whether it is new.

    Raises:
        NotFoundError: the stages that it shall only evaluate have been removed.
    """
    pipeline_id = _insert_once(
        session,
        Pipeline,
        key=draft.key,
        name=draft.name,
        recipe_id=draft.recipe_id,
        data_set_id=draft.data_set_id,
        eval_data_set_id=draft.eval_data_set_id,
        detector_id=draft.detector_id,
        base=draft.base,
        trained_sha256=draft.trained_sha256,
        spec=draft.spec,
        started_by=acting(session).name or None,
    )
    if pipeline_id is None:
        return _id_of(session, Pipeline, draft.key), False
    if draft.trained_sha256 is not None:
        references.use_again(session, draft.trained_sha256)
    for run in draft.runs:
        _submit_run(session, run, pipeline_id)
    return pipeline_id, True


@writes
@action("ask for run", Role.MEMBER, on=_run)
def submit_run(session: Session, draft: RunDraft) -> int:
    """Ask for one run outside any pipeline; returns its id, old or new.

    Raises:
        NotAllowedError: a viewer asks.
    """
    run_id = _submit_run(session, draft, pipeline_id=None)
    if run_id is None:
        nothing_done(session)
        return _id_of(session, Run, draft.key)
    return run_id


def _submit_run(session: Session, draft: RunDraft, pipeline_id: int | None) -> int | None:
    """The new run's id, or None if its key is there already."""
    last = select(func.coalesce(func.max(Run.position), 0) + 1)
    run_id = _insert_once(
        session,
        Run,
        key=draft.key,
        pipeline_id=pipeline_id,
        kind=draft.kind,
        stage=draft.stage,
        spec=draft.spec,
        device=draft.device,
        priority=draft.priority,
        position=last.scalar_subquery(),
        started_by=acting(session).name or None,
    )
    if run_id is not None:
        session.add_all(
            RunParent(run_id=run_id, parent_id=_id_of(session, Run, parent))
            for parent in draft.parents
        )
    return run_id


def _insert_once(
    session: Session, table: type[Pipeline] | type[Run], **columns: object
) -> int | None:
    """The new row's id, or None if its key is there already."""
    # Looked for first, since a row that is refused takes a number that no one will see again.
    if _find(session, table, str(columns["key"])) is not None:
        return None
    row = insert_into(session, table).values(columns).on_conflict_do_nothing(index_elements=["key"])
    return session.execute(row.returning(table.id)).scalar_one_or_none()


def _id_of(session: Session, table: type[Pipeline] | type[Run], key: str) -> int:
    found = _find(session, table, key)
    if found is None:
        raise NotFoundError(f"there is no run with the key {key!r}; submit parents before children")
    return found


def _find(session: Session, table: type[Pipeline] | type[Run], key: str) -> int | None:
    return session.scalars(select(table.id).where(table.key == key)).one_or_none()
