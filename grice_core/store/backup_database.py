"""The database of a backup: one moment of it as a SQLite file, and what that names."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grice_core.store import migrate
from grice_core.store.database import Database, reads
from grice_core.store.engine import connect
from grice_core.store.row_copy import copy_rows
from grice_core.store.sqlite_copy import copy_sqlite
from grice_core.store.tables import DataSet, Detector, LogPosition, Pipeline, Run


@contextmanager
def opened(copy: Path) -> Iterator[Database]:
    database = Database.at(f"sqlite:///{copy.absolute()}")
    try:
        yield database
    finally:
        database.engine.dispose()


def copy_database(database: Database, target: Path) -> None:
    """The rows of one moment, as a SQLite file."""
    if database.engine.dialect.name == "sqlite":
        copy_sqlite(Path(str(database.engine.url.database)), target)
        return
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".database-") as scratch:
        copy = Path(scratch) / "rows.sqlite"
        engine = connect(f"sqlite:///{copy.absolute()}")
        try:
            migrate.upgrade(engine)
            copy_rows(database.engine, engine)
        finally:
            engine.dispose()
        copy_sqlite(copy, target)


@reads
def log_sizes(session: Session) -> dict[str, int]:
    """Name of each log, and how much of it is written."""
    return dict(session.execute(select(LogPosition.name, LogPosition.size_bytes)).all())


@reads
def counts(session: Session) -> tuple[int, int]:
    pipelines, runs = (
        session.scalars(select(func.count()).select_from(each)).one() for each in (Pipeline, Run)
    )
    return pipelines, runs


@reads
def holds_anything(session: Session) -> bool:
    tables = (DataSet, Detector, Pipeline, Run)
    return any(session.scalars(select(each.id).limit(1)).first() for each in tables)
