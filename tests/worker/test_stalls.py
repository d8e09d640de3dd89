"""A job that stands still under a worker that lives."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.worker.processes import end, eventually
from worker.stalls import StallWatch

WORKS = "import time\nwhile True: time.sleep(0.01), sum(range(100_000))"
SLEEPS = "import time; time.sleep(1000)"


@pytest.fixture
def start():
    started = []

    def begin(source):
        process = subprocess.Popen([sys.executable, "-c", source])
        started.append(process)
        return process

    yield begin
    for process in started:
        process.send_signal(signal.SIGCONT)
        end(process)


def test_a_process_that_works_is_left_alone_until_it_is_stopped_and_when_it_goes_on(start):
    process = start(WORKS)
    watch = StallWatch(process.pid, patience_s=5)
    eventually(lambda: watch.look() is None, "it works", within_s=1)
    os.kill(process.pid, signal.SIGSTOP)
    said = eventually(watch.look, "that is seen", within_s=60)
    assert f"process {process.pid} has been stopped for" in said
    assert f"kill -CONT {process.pid}" in said
    os.kill(process.pid, signal.SIGCONT)
    eventually(lambda: watch.look() is None, "it goes on", within_s=60)


def test_a_process_that_does_nothing_at_all_is_seen(start):
    watch = StallWatch(start(SLEEPS).pid, patience_s=0.5)
    time.sleep(0.5)
    assert "has done nothing for" in eventually(watch.look, "that is seen", within_s=60)


def test_of_a_process_that_is_gone_nothing_is_said():
    assert StallWatch(2**22 + 1, patience_s=0).look() is None
