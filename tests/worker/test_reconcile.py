import subprocess
import sys
from contextlib import contextmanager

import pytest

from grice_core.store import migrate, runs, submission, transitions
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import RunDraft
from tests.worker.test_presence import HOLD
from worker.reconcile import take_from_dead


@pytest.fixture
def database(tmp_path):
    found = Database.at(f"sqlite:///{tmp_path / 'grice.db'}")
    migrate.prepare(found)
    yield found
    found.engine.dispose()


@contextmanager
def a_worker(home, owner):
    """A process that is known as this worker."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home), owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"here\n"
        yield process
        process.kill()


def taken(database, owner):
    """A run that this worker has taken."""
    run_id = submission.submit_run(database, RunDraft(owner, RunKind.TRAIN, {}))
    claim = transitions.claim(database, run_id, owner)
    assert claim is not None
    return claim


def test_what_a_killed_worker_had_is_taken_from_it_at_once_and_once(tmp_path, database):
    with a_worker(tmp_path, "host:1:a") as killed, a_worker(tmp_path, "host:2:b"):
        lost, kept = taken(database, "host:1:a"), taken(database, "host:2:b")
        assert take_from_dead(database, tmp_path) == []
        killed.kill()
        killed.wait()
        ((claim, state),) = take_from_dead(database, tmp_path)
        assert (claim.run_id, claim.owner, state) == (
            lost.run_id,
            "host:1:a",
            RunState.INTERRUPTED,
        )
        assert take_from_dead(database, tmp_path) == []
        assert runs.get(database, lost.run_id).state is RunState.INTERRUPTED
        assert runs.get(database, kept.run_id).state is RunState.RUNNING
        told = (runs.get(database, lost.run_id).troubles or {})["interrupted"]
        assert "its worker was killed" in told


def test_a_worker_elsewhere_keeps_what_it_has(tmp_path, database):
    claim = taken(database, "elsewhere:1:c")
    assert take_from_dead(database, tmp_path) == []
    assert runs.get(database, claim.run_id).state is RunState.RUNNING
