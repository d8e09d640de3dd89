"""Connections to SQLite and Postgres, set up so that several processes can write safely."""

import sqlite3
import weakref
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from grice_core.errors import StoreError
from grice_core.redaction import redacted
from grice_core.store.json_text import dump_json, load_json

READ_ONLY = "grice_read_only"
"""Execution option: the transaction writes nothing, so it need not wait for those that do."""

LOCK_WAIT_S = 5.0
"""How long one statement waits for another process; `database.Retries` then tries again."""

_POSTGRES_OPTIONS = (
    f"-c lock_timeout={LOCK_WAIT_S:.0f}s"
    # A process that is stopped in the middle of a transaction must not hold its locks for ever.
    " -c idle_in_transaction_session_timeout=15s"
    " -c timezone=UTC"
)

_CORRECTED_LINES = {(3, 44): 6, (3, 50): 7}
"""Older lines of SQLite that got the correction of the WAL race, and their first good patch."""


def connect(url: str) -> Engine:
    """An engine for a SQLite file or a Postgres server; nothing is opened yet but the folder made.

    Its connections are closed with it when nothing refers to it any more.

    Raises:
        StoreError: the URL is neither.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise StoreError(_unusable(url)) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return _closing(_sqlite(parsed))
    if backend == "postgresql":
        return _closing(_postgres(parsed))
    raise StoreError(_unusable(url))


def _unusable(url: str) -> str:
    return (
        f"GRICE_DATABASE_URL is {redacted(url)!r}, which is no database we can use; give "
        "sqlite:////folder/file.db or postgresql://user:password@host/name"
    )


def _sqlite(url: URL) -> Engine:
    folder = Path(str(url.database)).absolute().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the database can't be made: {error}") from None
    engine = create_engine(
        url,
        connect_args={"timeout": LOCK_WAIT_S},
        json_serializer=dump_json,
        json_deserializer=load_json,
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _postgres(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"options": _POSTGRES_OPTIONS, "connect_timeout": 5, "keepalives_idle": 30},
        json_serializer=dump_json,
        json_deserializer=load_json,
    )


def _closing(engine: Engine) -> Engine:
    # The drivers warn of connections that end as garbage (psycopg, and sqlite3 since Python 3.13).
    opened: set[Any] = set()
    event.listen(engine, "connect", lambda connection, _: opened.add(connection))
    event.listen(engine, "close", lambda connection, _: opened.discard(connection))
    # Not at exit: a forked process would take leave of a server in its parent's name.
    weakref.finalize(engine, _close_all, opened).atexit = False
    return engine


def _close_all(opened: set[Any]) -> None:
    for connection in opened:
        connection.close()


def _set_pragmas(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001
    # The driver must not begin transactions by itself: `_begin` does, and says which kind.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_mode = {journal_mode(sqlite3.sqlite_version_info)}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails with "database is locked" if another
    # one wrote in between, whatever the timeout; so a writer takes the lock at once.
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def journal_mode(version: tuple[int, int, int]) -> str:
    """`WAL`, or `DELETE` where WAL can damage the database.

    SQLite 3.7.0 to 3.51.2 has a rare race between a checkpoint and a writer that resets the log.
    Source: https://sqlite.org/wal.html#walresetbug
    """
    first_good_patch = _CORRECTED_LINES.get(version[:2])
    corrected = first_good_patch is not None and version[2] >= first_good_patch
    return "WAL" if corrected or version >= (3, 51, 3) else "DELETE"
