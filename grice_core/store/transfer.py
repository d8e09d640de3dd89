"""The rows of one pipeline, taken out of a database and put into another under new ids.

A foreign key is rewritten to the id that its row got there. What is the same by content (artifacts,
data sets, detectors, versions of recipes) and is there already is used as it is.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, TypeDecorator, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import KeyedColumnElement

from grice_core.errors import DataError, TransitionError
from grice_core.store.identities import identify
from grice_core.store.json_text import dump_json
from grice_core.store.references import originals, unusable_rows
from grice_core.store.tables import (
    Artifact,
    Base,
    DataSet,
    Detector,
    FormerVote,
    Generation,
    JsonObject,
    Metric,
    Pick,
    Pipeline,
    PipelineTag,
    Recipe,
    Run,
    RunArtifact,
    RunParent,
    SampledAnswerRow,
    Violation,
    Vote,
)

_SHOWN = 100
"""Characters of a value in a message."""

Row = tuple[str, JsonObject]
"""Name of a table, and column → value."""

SAME_BY: dict[type[Base], tuple[InstrumentedAttribute[Any], ...]] = {
    Artifact: (Artifact.sha256,),
    DataSet: (DataSet.sha256, DataSet.artifact_sha256),
    Recipe: (Recipe.name, Recipe.digest),
    Detector: (Detector.artifact_sha256,),
}
"""Tables whose rows are worth having once, and the columns that say which are the same."""

ORDER: tuple[type[Base], ...] = (
    Artifact,
    DataSet,
    Recipe,
    Detector,
    Pipeline,
    PipelineTag,
    Run,
    RunParent,
    RunArtifact,
    Metric,
    SampledAnswerRow,
    Generation,
    Violation,
    Vote,
    Pick,
    FormerVote,
)
"""Tables whose rows travel; those that others refer to come first. Logs stay where they are."""


def rows_of(session: Session, pipeline: Pipeline) -> Iterator[Row]:
    """All rows that a pipeline consists of, in an order in which they can be put in again.

    Raises:
        TransitionError: some of its runs are not finished.
    """
    _refuse_unfinished(session, pipeline)
    for table, condition in _parts(pipeline).items():
        query = select(table).where(condition).order_by(*table.__table__.primary_key)
        for row in session.scalars(query):
            columns = {key: getattr(row, key) for key in _columns(table)}
            if table is Recipe:
                columns["forked_from"] = None  # the other recipe stays behind
            yield table.__tablename__, columns


def _refuse_unfinished(session: Session, pipeline: Pipeline) -> None:
    for run in session.scalars(select(Run).where(Run.pipeline_id == pipeline.id)):
        if not run.state.is_finished():
            raise TransitionError(
                f"run {run.id} of pipeline {pipeline.id} is {run.state}; wait for it, or stop it, "
                "before exporting the pipeline"
            )


def _parts(pipeline: Pipeline) -> dict[type[Base], ColumnElement[bool]]:
    runs = select(Run.id).where(Run.pipeline_id == pipeline.id)
    data_sets = DataSet.id.in_([pipeline.data_set_id, pipeline.eval_data_set_id])
    second = (
        pipeline.spec.get("second_judge") or {}
    )  # a hub id where it is no detector of the store
    addresses = [second["sha256"]] if isinstance(second, dict) and second else []
    detectors = (Detector.id == pipeline.detector_id) | Detector.artifact_sha256.in_(addresses)
    made = select(RunArtifact.sha256).where(RunArtifact.run_id.in_(runs))
    generations = select(Generation.id).where(Generation.run_id.in_(runs))
    return {
        Artifact: Artifact.sha256.in_(made)
        | Artifact.sha256.in_(select(DataSet.artifact_sha256).where(data_sets))
        | Artifact.sha256.in_(select(unusable_rows()).where(data_sets))
        | Artifact.sha256.in_(select(originals()).where(data_sets))
        | Artifact.sha256.in_(select(Detector.artifact_sha256).where(detectors)),
        DataSet: data_sets,
        Recipe: Recipe.id == pipeline.recipe_id,
        Detector: detectors,
        Pipeline: Pipeline.id == pipeline.id,
        PipelineTag: PipelineTag.pipeline_id == pipeline.id,
        Run: Run.pipeline_id == pipeline.id,
        RunParent: RunParent.run_id.in_(runs) & RunParent.parent_id.in_(runs),
        RunArtifact: RunArtifact.run_id.in_(runs),
        Metric: Metric.run_id.in_(runs),
        SampledAnswerRow: SampledAnswerRow.run_id.in_(runs),
        Generation: Generation.run_id.in_(runs),
        Violation: Violation.generation_id.in_(generations),
        Vote: Vote.generation_id.in_(generations),
        Pick: Pick.run_id.in_(runs),
        FormerVote: FormerVote.run_id.in_(runs),
    }


@dataclass
class Arrival:
    """Rows being put into a database, and the ids that they get there."""

    session: Session
    _new_ids: dict[tuple[str, int], int] = field(default_factory=dict)

    def put(self, rows: Iterable[Row]) -> int:
        """Put in the rows of one pipeline; returns its new id.

        Raises:
            DataError: a row is none of ours, or a run is not finished.
        """
        tables = {table.__tablename__: table for table in ORDER}
        pipeline_id = None
        for name, columns in rows:
            table = tables.get(name)
            if table is None or not _has_our_columns(table, columns):
                raise DataError(f"a row of the table {name!r} has other columns than ours")
            row = table(**self._translated(table, columns))
            if isinstance(row, DataSet):
                identify(self.session, row)
            self._add(row, columns.get("id"))
            if isinstance(row, Pipeline):
                pipeline_id = row.id
        if pipeline_id is None:
            raise DataError("there is no pipeline among the rows")
        return pipeline_id

    def _translated(self, table: type[Base], columns: JsonObject) -> JsonObject:
        """The row's values as this database has them: new ids, members of enums."""
        translated: JsonObject = {}
        for column in table.__table__.columns:
            value = _checked(table, column, columns.get(column.key))
            targets = [key.column for key in column.foreign_keys if key.column.key == "id"]
            if value is None or (column.key == "id" and not targets):
                continue
            translated[column.key] = (
                self._new_id(targets[0].table.name, value) if targets else value
            )
        if table is Run and not translated["state"].is_finished():
            raise DataError(f"run {columns['id']} is {columns['state']}, which can't be taken over")
        return translated

    def _new_id(self, table: str, old: int) -> int:
        try:
            return self._new_ids[table, old]
        except KeyError:
            raise DataError(f"a row refers to row {old!r} of {table}, which is missing") from None

    def _add(self, row: Base, old_id: int | None) -> None:
        row = self._same(row) or self._new(row)
        if old_id is not None:
            self._new_ids[row.__tablename__, old_id] = getattr(row, "id")  # noqa: B009 - not all have one

    def _same(self, row: Base) -> Base | None:
        """The row that is here already and has the same content."""
        same_by = SAME_BY.get(type(row))
        if same_by is None:
            return None
        same = [column == getattr(row, column.key) for column in same_by]
        return self.session.scalars(select(type(row)).where(*same)).one_or_none()

    def _new(self, row: Base) -> Base:
        if isinstance(row, Recipe):
            last = select(func.coalesce(func.max(Recipe.version), 0)).where(Recipe.name == row.name)
            row.version = self.session.scalars(last).one() + 1
        self.session.add(row)
        self.session.flush()
        return row


def _has_our_columns(table: type[Base], columns: JsonObject) -> bool:
    """Whether a row can be one of ours; an earlier version's lacks the columns that came since."""
    may_lack = {column.key for column in table.__table__.columns if column.nullable}
    return columns.keys() | may_lack == set(_columns(table)) | may_lack


def _columns(table: type[Base]) -> list[str]:
    return [column.key for column in table.__table__.columns]


def _checked(table: type[Base], column: KeyedColumnElement[Any], value: Any) -> Any:
    """The value as its column has it; SQLite would take a text for a number."""
    kind: type[Any] = dict if isinstance(column.type, TypeDecorator) else column.type.python_type
    if value is None and getattr(column, "nullable", False):
        return None
    if issubclass(kind, StrEnum) and value in {member.value for member in kind}:
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    where = f"column {column.key} of a row of {table.__tablename__}"
    if type(value) is not kind:
        raise DataError(f"{where} is {_short(value)}, which is no {kind.__name__}")
    if not _fits(value, getattr(column.type, "length", None)):
        raise DataError(f"{where} is {_short(value)}, which no database can keep")
    return value


def _fits(value: Any, longest: int | None) -> bool:
    """Whether SQLite and Postgres both can keep a value."""
    match value:
        case str():
            return "\0" not in value and (longest is None or len(value) <= longest)
        case int():
            return -(2**63) <= value < 2**63
        case float():
            return math.isfinite(value)
        case dict():
            return _is_storable(value)
        case _:
            return True


def _is_storable(value: JsonObject) -> bool:
    try:
        return "\\u0000" not in dump_json(value)
    except TypeError:  # a number beyond 64 bits, half a surrogate pair
        return False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
