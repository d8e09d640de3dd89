"""A whole pipeline as one file: its rows and every artifact that they refer to.

    rows.jsonl              [table, {column: value}] per line, referred-to rows first
    objects/<sha256>        files and manifests of folders

It is a zip file in which nothing is compressed, so that reading one can't take more room than the
file itself; and its names are looked up, never used as paths, so that it can't write elsewhere.
"""

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grice_core.errors import ArtifactError, DataError, NotFoundError
from grice_core.files import atomic_writer
from grice_core.nesting import parse_json
from grice_core.progress import Progress, silent
from grice_core.store.actions import Target, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database, reads, writes
from grice_core.store.identities import computed
from grice_core.store.json_text import dump_json
from grice_core.store.tables import Artifact, Pipeline
from grice_core.store.transfer import Arrival, Row, rows_of

FORMAT = "grice-pipeline-1"

_DAMAGES = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,  # an entry that says it is encrypted
    TypeError,
    ValueError,
)
"""What reading a file that is no archive of ours may raise."""
_ROWS = "rows.jsonl"
_FORMAT = "format"
_OBJECT = re.compile(r"objects/([0-9a-f]{64})")


def export_pipeline(
    database: Database,
    artifacts: ArtifactStore,
    pipeline_id: int,
    target: Path,
    progress: Progress = silent,
) -> None:
    """Write a pipeline, all of whose runs are finished, into an archive.

    Raises:
        NotFoundError: there is no such pipeline.
        TransitionError: some of its runs are not finished.
        ArtifactError: one of its artifacts is missing or damaged; no archive is left.
    """
    rows = _rows(database, pipeline_id)
    objects = sorted(_objects(artifacts, rows))
    with atomic_writer(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_FORMAT, FORMAT)
        archive.writestr(_ROWS, "".join(dump_json(row) + "\n" for row in rows))
        for done, sha256 in enumerate(objects, start=1):
            with archive.open(f"objects/{sha256}", "w", force_zip64=True) as entry:
                for chunk in artifacts.chunks(sha256):
                    entry.write(chunk)
            progress("exporting files", done, len(objects))


def import_pipeline(
    database: Database,
    artifacts: ArtifactStore,
    source: Path,
    check: Callable[[list[Row]], list[Row]],
    progress: Progress = silent,
) -> int:
    """Take a pipeline over from an archive; returns its id here, the old one if it is here already.

    Args:
        check: knows what the rows' JSON has to be, and what else follows from their content: gives
            them as they are to be kept, or raises a DataError.

    Raises:
        DataError: the file is no such archive, or is damaged; no row was stored.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            rows, objects = _contents(archive)
            for done, (sha256, entry) in enumerate(objects.items(), start=1):
                with archive.open(entry) as file:
                    _take_over(artifacts, sha256, file)
                progress("importing files", done, len(objects))
            _refuse_incomplete(artifacts, rows)
            return _arrive(database, check(_identified(artifacts, rows)))
    except OSError as error:
        raise DataError(f"{source} can't be read: {error}") from None
    except _DAMAGES as error:
        raise DataError(f"{source} is no archive of a pipeline, or is damaged: {error}") from None
    except DataError as error:
        raise DataError(f"{source} can't be imported: {error}") from None


@reads
def _rows(session: Session, pipeline_id: int) -> list[Row]:
    pipeline = session.get(Pipeline, pipeline_id)
    if pipeline is None:
        raise NotFoundError(f"there is no pipeline {pipeline_id}")
    return list(rows_of(session, pipeline))


def _objects(artifacts: ArtifactStore, rows: list[Row]) -> set[str]:
    """Everything that the rows refer to, and the files of folders."""
    needed = set()
    for table, row in rows:
        if table == Artifact.__tablename__:
            needed.add(row["sha256"])
            if row["is_folder"]:
                needed.update(entry.sha256 for entry in artifacts.folder(row["sha256"]))
    return needed


def _contents(archive: zipfile.ZipFile) -> tuple[list[Row], dict[str, zipfile.ZipInfo]]:
    objects = {}
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED:
            raise DataError(f"its entry {entry.filename!r} is compressed, which ours never are")
        match = _OBJECT.fullmatch(entry.filename)
        if match:
            objects[match[1]] = entry
        elif entry.filename not in {_ROWS, _FORMAT}:
            raise DataError(f"it has an entry {entry.filename!r}, which does not belong there")
    if {_ROWS, _FORMAT} - set(archive.namelist()) or archive.read(_FORMAT).decode() != FORMAT:
        raise DataError(f"it is not of the format {FORMAT}; was it made by another version?")
    return list(_parsed(archive.read(_ROWS))), objects


def _parsed(lines: bytes) -> Iterator[Row]:
    for number, line in enumerate(lines.splitlines(), start=1):
        row = parse_json(line.decode())
        match row:
            case [str(table), dict(columns)]:
                yield table, columns
            case _:
                raise DataError(f"line {number} of its {_ROWS} is no row")


def _refuse_incomplete(artifacts: ArtifactStore, rows: list[Row]) -> None:
    try:
        needed = _objects(artifacts, rows)
    except ArtifactError as error:
        raise DataError(str(error)) from None
    missing = [sha256 for sha256 in needed if not artifacts.contains(sha256)]
    if missing:
        raise DataError(f"the file {missing[0]} is missing in it")


def _identified(artifacts: ArtifactStore, rows: list[Row]) -> list[Row]:
    try:
        return [(table, computed(table, columns, artifacts)) for table, columns in rows]
    except (ArtifactError, KeyError, TypeError) as error:
        raise DataError(f"one of its rows stands for nothing that is in it: {error}") from None


def _take_over(artifacts: ArtifactStore, sha256: str, content: IO[bytes]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        while chunk := content.read(1 << 20):
            file.write(chunk)
        file.flush()
        stored = artifacts.put_file(Path(file.name))
    if stored.sha256 != sha256:
        raise DataError(f"its file {sha256} has another content than its name says")


def _arrive(database: Database, rows: list[Row]) -> int:
    try:
        return _put(database, rows)
    except IntegrityError as error:
        raise DataError(f"its rows contradict those that are here: {error.orig}") from None


def _name_in(session: Session, rows: list[Row]) -> Target:  # noqa: ARG001 - as `action` calls it
    names = (row.get("name") for table, row in rows if table == Pipeline.__tablename__)
    return Target("pipeline", name=str(next(names, "")))


@writes
@action("import pipeline", Role.MEMBER, on=_name_in)
def _put(session: Session, rows: list[Row]) -> int:
    keys = [row.get("key") for table, row in rows if table == Pipeline.__tablename__]
    known = session.scalars(select(Pipeline.id).where(Pipeline.key.in_(keys))).first()
    if known is not None:
        nothing_done(session)
        return known
    return Arrival(session).put(rows)
