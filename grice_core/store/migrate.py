"""Bring a database to this version's tables: all of it in one transaction, or nothing.

    python -m grice_core.store.migrate

`migrations/` lies beside the packages, in a checkout as in an installation. Several processes may
upgrade at once: one does it, the others wait and find nothing left to do.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from grice_core.errors import StoreError
from grice_core.settings import settings
from grice_core.store.database import Database
from grice_core.store.engine import connect

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_ADVISORY_LOCK = 0x6772696365  # "grice"


def upgrade(engine: Engine, revision: str = "head", migrations: Path = MIGRATIONS) -> None:
    """Upgrade a database, empty or of any earlier version; one that is up to date stays as it is.

    Raises:
        StoreError: the database can't be reached, or a newer Grice Studio has upgraded it.
    """
    config = _config(migrations)
    try:
        with exclusive(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise StoreError(
            f"the database can't be upgraded ({error}); if a newer Grice Studio made it, use that"
        ) from error
    except OperationalError as error:
        raise StoreError(
            f"the database can't be upgraded: {error.orig}; see that it runs, that it can be written "
            "to, and that its disk has room"
        ) from error
    except DatabaseError as error:
        raise StoreError(
            f"the database can't be upgraded: {error.orig}; nothing was changed"
        ) from error


def prepare(database: Database) -> None:
    """Make the tables in an empty database; one that has any stays as it is, even if it is old.

    Raises:
        StoreError: the database can't be reached.
    """
    if database.read(lambda session: _revision(session.connection())) is None:
        upgrade(database.engine)


def revision(engine: Engine) -> str | None:
    """The revision that a database is at; None: it is empty."""
    with engine.connect() as connection:
        return _revision(connection)


def latest_revision(migrations: Path = MIGRATIONS) -> str | None:
    """The revision that this version needs."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head()


@contextmanager
def exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no one else upgrades; it is undone if anything goes wrong."""
    with engine.connect() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            # Altering a table means copying and dropping it; with foreign keys on, dropping it
            # would silently delete the rows of other tables that cascade from it. The pragma
            # does nothing inside a transaction, so it comes first.
            _set_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                if not on_sqlite:
                    connection.exec_driver_sql("SET LOCAL lock_timeout = '5min'")
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
                yield connection
                if on_sqlite:
                    _refuse_dangling_keys(connection)
        finally:
            if on_sqlite:
                _set_foreign_keys(connection, on=True)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    driver_connection = connection.connection.driver_connection
    if driver_connection is not None:
        driver_connection.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")


def _refuse_dangling_keys(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if dangling is not None:
        raise StoreError(
            f"the upgrade would leave a row of {dangling[0]} without its {dangling[2]}; "
            "nothing was changed"
        )


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


if __name__ == "__main__":
    try:
        upgrade(connect(settings().database_url))
    except StoreError as error:
        sys.exit(f"grice: {error}")
