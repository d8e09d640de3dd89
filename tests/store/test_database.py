"""Transactions: kept whole, tried again, given up."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from grice_core.errors import StoreError
from grice_core.store import metrics, runs
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect
from grice_core.store.metrics import MetricRow
from grice_core.store.migrate import upgrade
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft, submit_run
from tests.store.conftest import ScratchDatabases
from tests.store.samples import claim_of

CUT_ALL_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

READ_THEN_WRITE = """
import sys
from sqlalchemy import event, text
from grice_core.store.database import Database

database = Database.at(sys.argv[1])

def add_one(session):
    step = session.scalar(text("SELECT step FROM runs"))
    session.execute(text(f"UPDATE runs SET step = {step + 1}"))

for _ in range(int(sys.argv[2])):
    database.write(add_one)
"""


def test_what_raises_leaves_nothing_behind(database: Database) -> None:
    def submit_and_fail(session: Session) -> None:
        session.execute(text("DELETE FROM runs"))
        raise RuntimeError("changed my mind")

    submit_run(database, RunDraft("a", RunKind.TRAIN, {}))
    with pytest.raises(RuntimeError, match="changed my mind"):
        database.write(submit_and_fail)
    assert len(runs.page(database)) == 1


def test_processes_that_read_and_then_write_lose_no_update(sqlite_database: Database) -> None:
    submit_run(sqlite_database, RunDraft("a", RunKind.TRAIN, {}))
    command = [sys.executable, "-c", READ_THEN_WRITE, str(sqlite_database.engine.url), "20"]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert runs.get(sqlite_database, 1).step == 60


def test_a_writer_takes_the_lock_before_it_reads(sqlite_database: Database) -> None:
    at_once = replace(sqlite_database, retries=Retries(give_up_after_s=0))
    with held_locked(sqlite_database), pytest.raises(StoreError, match="database is locked"):
        at_once.write(lambda session: session.scalar(text("SELECT count(*) FROM runs")))


def test_a_reader_does_not_wait_for_a_writer(sqlite_database: Database) -> None:
    with held_locked(sqlite_database):
        assert runs.page(sqlite_database) == []


def test_no_metric_is_lost_while_the_database_is_locked(sqlite_database: Database) -> None:
    claim = claim_of(sqlite_database, submit_run(sqlite_database, RunDraft("a", RunKind.TRAIN, {})))
    with held_locked(sqlite_database) as let_go:
        pauses = iter([lambda: None, lambda: None, let_go])
        patient = Retries(sleep=lambda _: next(pauses)())
        metrics.record(
            replace(sqlite_database, retries=patient), claim, [MetricRow(1, {"loss": 1})]
        )
    assert next(pauses, None) is None
    assert metrics.since(sqlite_database, claim.run_id) == [MetricRow(1, {"loss": 1})]


def test_a_database_that_stays_locked_is_given_up_with_the_reason(
    sqlite_database: Database,
) -> None:
    impatient = Retries(give_up_after_s=10, clock=iter(range(100)).__next__, sleep=lambda _: None)
    with (
        held_locked(sqlite_database),
        pytest.raises(StoreError, match=r"did not answer for 10 s \(database is locked\)"),
    ):
        submit_run(replace(sqlite_database, retries=impatient), RunDraft("a", RunKind.TRAIN, {}))


def test_a_full_disk_is_named(sqlite_database: Database) -> None:
    event.listen(sqlite_database.engine, "connect", _allow_few_pages)
    sqlite_database.engine.dispose()
    with pytest.raises(StoreError, match="the disk that holds the database is full"):
        submit_run(sqlite_database, RunDraft("a", RunKind.TRAIN, {"long": "x" * 10**6}))


def test_no_metric_is_lost_when_the_server_cuts_all_connections(
    postgres_database: Database,
) -> None:
    claim = claim_of(
        postgres_database, submit_run(postgres_database, RunDraft("a", RunKind.TRAIN, {}))
    )
    other = connect(postgres_database.engine.url.render_as_string(hide_password=False))
    for step in range(1, 4):
        with other.connect() as connection:
            connection.execute(text(CUT_ALL_OTHERS))
        metrics.record(postgres_database, claim, [MetricRow(step, {"loss": 1.0})])
    other.dispose()
    assert [row.step for row in metrics.since(postgres_database, claim.run_id)] == [1, 2, 3]


@contextmanager
def held_locked(database: Database) -> Iterator[Callable[[], None]]:
    """Another program holds the write lock, until the block ends or what it is given is called."""
    other = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other.rollback
    finally:
        other.close()


def _allow_few_pages(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    connection.execute("PRAGMA max_page_count = 1")  # as few as it has


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A SQLite file whose connections wait for a lock no longer than a blink."""
    path = tmp_path / "grice.db"
    shutil.copy(sqlite_template, path)
    engine = connect(f"sqlite:///{path}")
    event.listen(engine, "connect", _wait_for_a_blink)
    yield Database(engine)
    engine.dispose()


def _wait_for_a_blink(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    connection.execute("PRAGMA busy_timeout = 10")


@pytest.fixture
def postgres_database(empty_postgres: ScratchDatabases) -> Iterator[Database]:
    """A Postgres database of its own, whose connections may be cut."""
    engine = connect(empty_postgres.make())
    upgrade(engine)
    yield Database(engine, Retries(first_pause_s=0.01))
    engine.dispose()
