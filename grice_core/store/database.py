"""Short transactions with bounded retries.

A query of the store is written as a function of a session and called with a `Database`: `@reads`
and `@writes` give it a transaction of its own, repeat it while the database is locked or being
restarted, and close the session before it returns. What it returns is detached: reading is fine,
changing it changes nothing.

    @writes
    def rename(session: Session, data_set_id: int, name: str) -> None: ...

    rename(database, 3, "held-out prompts")
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from grice_core.errors import StoreError
from grice_core.store.actors import Actor, this_account
from grice_core.store.engine import READ_ONLY, connect

P = ParamSpec("P")
T = TypeVar("T")

ACTOR = "actor"
"""In a session's `info`: says who its transaction is made for."""

_SQLITE_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_POSTGRES_PASSING = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # lock not available within lock_timeout
    "57P01",  # the server is being shut down
    "57P02",  # the server crashed
    "57P03",  # the server is starting
}


_OTHER_TABLES = ("no such table", "no such column", "has no column named")
"""What SQLite says where the tables are of another version."""
_OTHER_TABLES_STATES = ("42P01", "42703")
"""Postgres: undefined table, undefined column."""


@dataclass(frozen=True)
class Retries:
    """How long a transaction is tried again: pauses that double, up to a limit."""

    give_up_after_s: float = 60.0
    first_pause_s: float = 0.02
    longest_pause_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pauses(self) -> Iterator[None]:
        """Yields before each try, after sleeping before all but the first."""
        deadline = self.clock() + self.give_up_after_s
        pause_s = self.first_pause_s
        yield
        while self.clock() < deadline:
            # Spread out, so that processes which failed together don't try again together.
            self.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
            pause_s = min(2 * pause_s, self.longest_pause_s)
            yield


@dataclass(frozen=True)
class Database:
    """The one database of an installation, shared by all threads of a process."""

    engine: Engine
    retries: Retries = field(default_factory=Retries)
    actor: Callable[[], Actor] = this_account
    """Who asks for what is done now; see `actions`."""

    @classmethod
    def at(cls, url: str) -> "Database":
        """The database at this URL; see `engine.connect`."""
        return cls(connect(url))

    def acting_as(self, actor: Actor) -> "Database":
        """The same database, in the hands of another person."""
        return replace(self, actor=lambda: actor)

    def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction that writes nothing."""
        return self._run(work, self.engine.execution_options(**{READ_ONLY: True}))

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction: all of it is kept, or nothing.

        It may run several times, so its only effects must be those on the session.
        """
        return self._run(work, self.engine)

    def _run(self, work: Callable[[Session], T], engine: Engine) -> T:
        for _ in self.retries.pauses():
            try:
                with _session(engine, self.actor) as session, session.begin():
                    return work(session)
            except DBAPIError as error:
                if not is_passing(error):
                    _explain(error)
                    raise
                last = error
        raise StoreError(
            f"the database did not answer for {self.retries.give_up_after_s:.0f} s "
            f"({_reason(last)}); see that it runs and that no other program holds it locked"
        ) from last


def _session(engine: Engine, actor: Callable[[], Actor]) -> Session:
    return Session(
        engine,
        expire_on_commit=False,
        # Nothing of a session is read after an UPDATE in it, so no object has to be kept in step.
        execution_options={"synchronize_session": False},
        info={ACTOR: actor},
    )


def reads(work: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Database, P], T]:
    """Turn a function of a session into one of a database, with a read-only transaction."""

    @wraps(work)
    def in_transaction(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return database.read(lambda session: work(session, *args, **kwargs))

    return in_transaction


def writes(work: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Database, P], T]:
    """Turn a function of a session into one of a database, with a transaction of its own."""

    @wraps(work)
    def in_transaction(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return database.write(lambda session: work(session, *args, **kwargs))

    return in_transaction


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed a moment later."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE_PASSING
    state = getattr(cause, "sqlstate", None)
    if state is None:
        # No server spoke: it can't be reached, or the connection broke.
        return error.connection_invalidated or isinstance(error, OperationalError)
    return state in _POSTGRES_PASSING


def _explain(error: DBAPIError) -> None:
    """Raise an operational failure in one sentence; a mistake in our own SQL is left as it is."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF if isinstance(cause, sqlite3.Error) else 0
    reason = _reason(error)
    if code == sqlite3.SQLITE_FULL:
        raise StoreError(
            "the disk that holds the database is full; make room and try again"
        ) from error
    if code == sqlite3.SQLITE_NOTADB:
        raise StoreError(
            "the database file is no SQLite database; set GRICE_DATABASE_URL to another place"
        ) from error
    is_other = any(said in reason for said in _OTHER_TABLES)
    if is_other or getattr(cause, "sqlstate", None) in _OTHER_TABLES_STATES:
        raise StoreError(
            f"the database's tables are not those of this version ({reason}); run `grice migrate`"
        ) from error
    if isinstance(error, OperationalError):
        raise StoreError(f"the database can't be used: {reason}") from error


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason given"
