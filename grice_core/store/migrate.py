"""Bring a database to this version's tables: all of it in one transaction, or nothing.

    grice migrate

`migrations/` lies beside the packages, in a checkout as in an installation. Several processes may
upgrade at once: one does it, the others wait and find nothing left to do. Whoever opens a database
does so by `opened`, which refuses one whose tables are of another version.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import count
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
from grice_core.store.sqlite_copy import copy_sqlite

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_ADVISORY_LOCK = 0x6772696365  # "grice"


def opened(url: str) -> Database:
    """The database at this URL, which has this version's tables; an empty one gets them.

    Raises:
        StoreError: it can't be reached, or its tables are of another version.
    """
    database = Database.at(url)
    prepare(database)
    return database


def prepare(database: Database) -> None:
    """Make the tables in an empty database.

    Raises:
        StoreError: it can't be reached, or its tables are of another version.
    """
    now = database.read(lambda session: _revision(session.connection()))
    if now is None:
        upgrade(database.engine)
    else:
        _refuse_other(now)


def check(database: Database) -> None:
    """Look whether the tables are still those of this version: another may have upgraded them since.

    Raises:
        StoreError: they are not.
    """
    _refuse_other(database.read(lambda session: _revision(session.connection())))


def _refuse_other(now: str | None) -> None:
    if now == latest_revision():
        return
    _refuse_newer(now)
    raise StoreError(
        f"the database is at revision {now}, and this version of Grice Studio needs "
        f"{latest_revision()}: end what uses it, then run `grice migrate`"
    )


def _refuse_newer(now: str | None) -> None:
    if now is None or now in _revisions():
        return
    raise StoreError(
        f"the database is at revision {now}, which this version of Grice Studio doesn't know (its "
        f"own is {latest_revision()}): a newer one has upgraded it; use that. Nothing was changed"
    )


def bring_up_to_date(
    engine: Engine, say: Callable[[str], None], *, is_backed_up: bool = False
) -> None:
    """Upgrade a database whose rows are safe: a SQLite file is copied first.

    Args:
        say: told what is done, and where the copy is.
        is_backed_up: a person says so; asked of Postgres only.

    Raises:
        StoreError: it can't be reached or copied, a newer version has upgraded it, or nobody has said
            that it is backed up; nothing was changed.
    """
    with _failures_in_words():
        now, latest = revision(engine), latest_revision()
    if now == latest:
        say(f"the database is up to date (revision {now})")
        return
    _refuse_newer(now)
    on_sqlite = engine.dialect.name == "sqlite"
    if now is not None and not on_sqlite and not is_backed_up:
        raise StoreError(
            f"the database is at revision {now}, and this version of Grice Studio needs {latest}: make a "
            "backup (`grice backup`, or pg_dump), then say so by `grice migrate --backed-up`"
        )
    upgrade(engine, keep_first=partial(_keep_copy, say=say))
    say("the database has its tables" if now is None else f"the database is at revision {latest}")


def _keep_copy(connection: Connection, say: Callable[[str], None]) -> None:
    """Copy a SQLite file beside it; the transaction that others wait for has begun."""
    if connection.dialect.name != "sqlite":
        return
    path = Path(str(connection.engine.url.database)).absolute()
    name = f"{path.name}.at-{_revision(connection)}"
    taken = {each.name for each in path.parent.glob(f"{name}*")}
    free = (f"{name}-{number}" if number else name for number in count())
    copy = path.with_name(next(each for each in free if each not in taken))
    copy_sqlite(path, copy)
    say(f"the database of before is kept as {copy}: delete it once all is well")


def upgrade(
    engine: Engine,
    revision: str = "head",
    migrations: Path = MIGRATIONS,
    keep_first: Callable[[Connection], None] = lambda _: None,
) -> None:
    """Upgrade a database, empty or of any earlier version; one that is up to date stays as it is.

    Args:
        keep_first: called before anything is changed, if there are tables that will be.

    Raises:
        StoreError: the database can't be reached, or a newer Grice Studio has upgraded it.
    """
    config = _config(migrations)
    with _failures_in_words(), exclusive(engine) as connection:
        if _revision(connection) not in {None, latest_revision(migrations)}:
            keep_first(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
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


def revision(engine: Engine) -> str | None:
    """The revision that a database is at; None: it is empty."""
    with engine.connect() as connection:
        return _revision(connection)


@cache
def latest_revision(migrations: Path = MIGRATIONS) -> str | None:
    """The revision that this version needs."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head()


@cache
def _revisions() -> frozenset[str]:
    """All that this version knows."""
    scripts = ScriptDirectory.from_config(_config(MIGRATIONS)).walk_revisions()
    return frozenset(script.revision for script in scripts)


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
        bring_up_to_date(
            connect(settings().database_url), print, is_backed_up="--backed-up" in sys.argv
        )
    except StoreError as error:
        sys.exit(f"grice: {error}")
