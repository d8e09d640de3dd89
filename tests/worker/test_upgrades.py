"""Programs of one version on a database of another: all of them refuse it. Real processes."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from grice_core.store import migrate
from grice_core.store.engine import connect

pytestmark = pytest.mark.stack

PROGRAMS = {
    "command": ["-c", "from app.cli import main; main()", "runs"],
    "worker": ["-m", "worker", "--cpu"],
    "library": ["-c", "from app.cli import main; main()", "stages", "studio:pairs"],
}


def run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "GRICE_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def at_revision(home: Path, revision: str) -> None:
    engine = connect(f"sqlite:///{home / 'grice.db'}")
    migrate.upgrade(engine, "0007")
    engine.dispose()
    with closing(sqlite3.connect(home / "grice.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_refuses_tables_of_an_earlier_version(tmp_path: Path, program: str) -> None:
    at_revision(tmp_path, "0007")
    refused = run(tmp_path, *PROGRAMS[program])
    assert refused.returncode == 1
    assert "end what uses it, then run `grice migrate`" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_refuses_tables_of_a_newer_version(tmp_path: Path, program: str) -> None:
    at_revision(tmp_path, "9999")
    refused = run(tmp_path, *PROGRAMS[program])
    assert refused.returncode == 1
    assert "a newer one has upgraded it; use that" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


def test_migrating_keeps_a_copy_and_says_where(tmp_path: Path) -> None:
    at_revision(tmp_path, "0007")
    migrated = run(tmp_path, "-c", "from app.cli import main; main()", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert f"kept as {tmp_path / 'grice.db.at-0007'}" in migrated.stdout
    assert run(tmp_path, *PROGRAMS["command"]).returncode == 0
    again = run(tmp_path, "-c", "from app.cli import main; main()", "migrate")
    assert "up to date" in again.stdout
    assert len(list(tmp_path.glob("grice.db.at-*"))) == 1
