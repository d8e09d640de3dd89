"""Runs on Postgres, which is killed under them."""

import os
import signal

import psutil
import pytest

from tests.worker.installation import alive, ask, eventually
from tests.worker.undisturbed import assert_undisturbed

pytestmark = pytest.mark.stack


def kill_and_restart(postgres):
    """As a machine's memory killer would do it, and a service manager after it."""
    postmaster = psutil.Process(postgres.get_pid())
    pids = [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]
    os.kill(postmaster.pid, signal.SIGKILL)
    eventually(lambda: not any(map(alive, pids)), "the server and its processes have ended")
    # The wheel takes a killed server that nobody has waited for as one that runs.
    for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (postgres.pgdata / left).unlink(missing_ok=True)
    postgres.ensure_postgres_running()


def test_a_database_that_is_killed_and_comes_back_costs_no_metric(
    postgres_installation, postgres, world, expected, tmp_path
):
    postgres_installation.start_worker()
    asked = ask(postgres_installation.queue(), world)
    asked.until_step(30)
    kill_and_restart(postgres)
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)
