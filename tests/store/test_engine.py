"""Connections, and what is said when there is none."""

import gc
import sqlite3
from pathlib import Path

import psycopg
import pytest

from grice_core.errors import StoreError
from grice_core.store import runs
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect, journal_mode

PATIENCE = Retries(give_up_after_s=0.05, first_pause_s=0.01)


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "DELETE"),
        ((3, 44, 5), "DELETE"),
        ((3, 44, 6), "WAL"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((3, 53, 0), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_wal_is_used_only_where_it_is_safe(version: tuple[int, int, int], mode: str) -> None:
    assert journal_mode(version) == mode


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_can_not_be_used_is_named(url: str) -> None:
    with pytest.raises(StoreError, match="GRICE_DATABASE_URL is"):
        connect(url)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        connect("mysql://me:secret@host/name")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "grice.db"
    path.write_bytes(b"certainly not a database " * 100)
    with pytest.raises(StoreError, match="the database file is no SQLite database"):
        runs.page(Database(connect(f"sqlite:///{path}"), PATIENCE))


def test_a_database_that_was_not_upgraded_says_what_to_do(empty_url: str) -> None:
    database = Database(connect(empty_url), PATIENCE)
    with pytest.raises(StoreError, match="run `grice migrate`"):
        runs.page(database)
    database.engine.dispose()


def test_a_server_that_is_not_there_is_waited_for_and_then_named() -> None:
    database = Database(connect("postgresql://127.0.0.1:1/none"), PATIENCE)
    with pytest.raises(StoreError, match=r"the database did not answer for 0 s .*127\.0\.0\.1"):
        runs.page(database)


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'folder' / 'grice.db'}")
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "synchronous", "journal_mode")
        }
    engine.dispose()
    mode = journal_mode(sqlite3.sqlite_version_info).lower()
    assert pragmas == {"foreign_keys": 1, "synchronous": 2, "journal_mode": mode}


def test_connections_are_closed_with_an_engine_that_nobody_has_any_more(empty_url: str) -> None:
    engine = connect(empty_url)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.cursor().execute("SELECT 1")
    del connection, engine
    gc.collect()
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        driver.cursor()
