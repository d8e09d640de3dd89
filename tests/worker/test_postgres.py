"""Runs on Postgres, which is killed under them; and two workers with separate homes."""

import os
import signal

from tests.worker.installation import ask
from tests.worker.undisturbed import assert_undisturbed


def test_a_database_that_is_killed_and_comes_back_costs_no_metric(
    postgres_installation, postgres, world, expected, tmp_path
):
    postgres_installation.start_worker()
    asked = ask(postgres_installation.queue(), world)
    asked.until_step(30)
    os.kill(postgres.get_pid(), signal.SIGKILL)
    postgres.ensure_postgres_running()
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)
