"""All rows of one database in another, whichever of SQLite and Postgres they are."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from grice_core.errors import StoreError
from grice_core.store.tables import Base

_AT_ONCE = 1000


def copy_rows(source: Engine, target: Engine) -> None:
    """Copy every row, as of one moment, into tables of this version that are empty; all or nothing.

    Raises:
        StoreError: one of the two can't be used; the target is as it was.
    """
    try:
        with _snapshot(source) as rows, target.begin() as kept:
            for table in Base.metadata.sorted_tables:
                _copy_table(table, rows, kept)
    except DBAPIError as error:
        raise StoreError(f"the database can't be copied: {error.orig}") from error


def _snapshot(engine: Engine) -> Connection:
    """A connection that sees the database as it is at its first question, whatever others write."""
    if engine.dialect.name == "sqlite":
        return engine.connect()
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


def _copy_table(table: Table, source: Connection, target: Connection) -> None:
    for block in _blocks(table, source):
        target.execute(insert(table), block)
    if "id" in table.columns:
        _put_counter(table, target, _counter(table, source))


def _blocks(table: Table, source: Connection) -> Iterator[list[dict[str, object]]]:
    query = select(table).order_by(*table.primary_key)
    found = source.execution_options(yield_per=_AT_ONCE).execute(query)
    for block in found.partitions(_AT_ONCE):
        yield [dict(row._mapping) for row in block]


def _counter(table: Table, connection: Connection) -> int:
    """The last number that was given to a row, which may be gone: none is given twice."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        given = connection.execute(query, {"name": table.name}).scalar()
    else:
        sequence = select(func.pg_get_serial_sequence(table.name, "id")).scalar_subquery()
        given = connection.execute(select(func.pg_sequence_last_value(sequence))).scalar()
    return int(given or 0)


def _put_counter(table: Table, connection: Connection, last: int) -> None:
    if not last:
        return
    if connection.dialect.name == "sqlite":
        name = {"name": table.name, "last": last}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), name)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), name)
    else:
        sequence = func.pg_get_serial_sequence(table.name, "id")
        connection.execute(select(func.setval(sequence, last)))
