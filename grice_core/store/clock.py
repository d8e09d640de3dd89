"""The database's clock, so that leases mean the same to machines whose clocks differ.

Times are stored as seconds since 1970 (UTC): SQLite and Postgres then compare and add them alike.
"""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class database_now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """Seconds since 1970 when the statement began, by the database's clock."""

    inherit_cache = True
    type = Double()


@compiles(database_now, "sqlite")
def _sqlite(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    # `unixepoch('subsec')` would be shorter, but needs SQLite 3.42.
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_now, "postgresql")
def _postgresql(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001
    # Not clock_timestamp(): that one is volatile, and no index can be searched with it.
    return "CAST(extract(epoch FROM statement_timestamp()) AS DOUBLE PRECISION)"
