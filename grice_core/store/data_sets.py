"""Data sets: stored once per content, listed newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grice_core.errors import InputError, NotFoundError
from grice_core.store import identities, references
from grice_core.store.actions import Target, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.artifacts import Address
from grice_core.store.database import reads, writes
from grice_core.store.tables import DataSet, JsonObject, Pipeline, Sweep
from grice_core.store.targets import of_data_set
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class DataSetDraft:
    """A data set to be kept."""

    name: str
    sha256: str
    """Of the uploaded file's content."""
    pairs: Address
    """The pairs as columns (Parquet)."""
    num_rows: int
    num_usable: int
    num_scored: int
    report: JsonObject
    """Validation report."""
    unusable: Address | None = None
    """The rows that can't be used, as JSON Lines; None: there are none."""


def _new(session: Session, draft: DataSetDraft) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("data set", name=draft.name)


@writes
@action("add data set", Role.MEMBER, on=_new)
def add(session: Session, draft: DataSetDraft) -> int:
    """Keep a data set; returns its id, the old one if the same file was uploaded before."""
    references.note(session, draft.pairs)
    report = draft.report
    if draft.unusable is not None:
        references.note(session, draft.unusable)
        report = report | {references.UNUSABLE: draft.unusable.sha256}
    found = {
        "num_rows": draft.num_rows,
        "num_usable": draft.num_usable,
        "num_scored": draft.num_scored,
        "report": report,
    }
    is_confirmed = identities.confirm(session, draft.sha256, draft.pairs.sha256, **found)
    row = insert_into(session, DataSet).values(
        name=draft.name, sha256=draft.sha256, artifact_sha256=draft.pairs.sha256, **found
    )
    added = row.on_conflict_do_nothing(index_elements=["sha256"]).returning(DataSet.id)
    if session.execute(added).one_or_none() is None and not is_confirmed:
        nothing_done(session)
    return session.scalars(select(DataSet.id).where(DataSet.sha256 == draft.sha256)).one()


@reads
def get(session: Session, data_set_id: int) -> DataSet:
    """One data set.

    Raises:
        NotFoundError: there is no such data set.
    """
    data_set = session.get(DataSet, data_set_id)
    if data_set is None:
        raise NotFoundError(f"there is no data set {data_set_id}")
    return data_set


@reads
def with_content(session: Session, sha256: str) -> DataSet | None:
    """The data set that a file with this content became, if it was uploaded before."""
    return session.scalars(select(DataSet).where(DataSet.sha256 == sha256)).one_or_none()


@writes
@action("restore data set", Role.MEMBER, on=of_data_set)
def replace_pairs(session: Session, data_set_id: int, pairs: Address) -> None:
    """Name another file that holds a data set's pairs, since the one that did is lost."""
    references.note(session, pairs)
    session.get_one(DataSet, data_set_id).artifact_sha256 = pairs.sha256


@reads
def page(session: Session, limit: int = 100) -> Sequence[DataSet]:
    """The newest data sets first."""
    return session.scalars(select(DataSet).order_by(DataSet.id.desc()).limit(limit)).all()


@writes
@action("rename data set", Role.MEMBER, on=of_data_set)
def rename(session: Session, data_set_id: int, name: str) -> None:
    """Call a data set something else.

    Raises:
        NotFoundError: there is no such data set.
    """
    data_set = session.get(DataSet, data_set_id)
    if data_set is None:
        raise NotFoundError(f"there is no data set {data_set_id}")
    data_set.name = name


@writes
@action("remove data set", Role.MEMBER, on=of_data_set)
def remove(session: Session, data_set_id: int) -> None:
    """Forget a data set; the next collection throws its pairs away.

    Raises:
        NotFoundError: there is no such data set.
        InputError: a pipeline or a sweep uses it.
    """
    data_set = session.get(DataSet, data_set_id)
    if data_set is None:
        raise NotFoundError(f"there is no data set {data_set_id}")
    uses = or_(Pipeline.data_set_id == data_set_id, Pipeline.eval_data_set_id == data_set_id)
    user = session.scalars(select(Pipeline.name).where(uses).limit(1)).one_or_none()
    if user is not None:
        raise InputError(
            f"{data_set.name} is used by the pipeline {user!r}, which could not be run again "
            "without it; remove the pipeline first"
        )
    swept = or_(Sweep.data_set_id == data_set_id, Sweep.eval_data_set_id == data_set_id)
    sweep = session.scalars(select(Sweep.name).where(swept).limit(1)).one_or_none()
    if sweep is not None:
        raise InputError(
            f"{data_set.name} is used by the sweep {sweep!r}, which could not continue without it; "
            "remove the sweep first"
        )
    session.delete(data_set)
