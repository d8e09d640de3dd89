"""Owners frozen beyond their lease (SIGSTOP, a closed lid), while they do runs of every kind.

Another worker takes the run and does it; what the frozen one does when it wakes up goes nowhere.
Shares of what a round samples are in `test_shared_sampling.py`. `GRICE_FREEZES=20` freezes each kind as often as that.
"""

import os
import signal

import pytest

from grice_core.store.states import RunState
from tests.worker.asked import ask_anew
from tests.worker.freezes import KINDS, freeze

pytestmark = pytest.mark.stack


@pytest.mark.usefixtures("again")
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_whose_owner_was_frozen_is_done_all_the_same(installation, world, kind):
    installation.stand(num_workers=2)
    freeze(installation, world, kind)


def test_a_job_frozen_alone_under_its_living_worker_raises_an_alarm(installation, world):
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    run = asked.until_step(20)
    os.kill(run.pid, signal.SIGSTOP)
    try:
        told = asked.until("train", lambda run: "stalled" in (run.troubles or {}))
        assert told.state is RunState.RUNNING
        assert f"kill -CONT {run.pid}" in told.troubles["stalled"]
    finally:
        os.kill(run.pid, signal.SIGCONT)
    asked.until_done()
    assert "stalled" not in (asked.run("train").troubles or {})
    assert asked.run("train").attempt == 1
