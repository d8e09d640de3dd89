"""`python -m app`: everything on one machine, started, mistreated and ended. Real processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

PATIENCE_S = 180


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def home():
    folder = Path(tempfile.mkdtemp(prefix="grice-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def start(home, port, log):
    environment = {**os.environ, "GRICE_HOME": str(home), "GRICE_PORT": str(port)}
    environment.pop("REDIS_URL", None)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "app"],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def studio(home):
    """A front door that stands open, its port and its log."""
    port, log = free_port(), home / "log"
    process = start(home, port, log)
    yield process, port, log
    if process.poll() is None:
        process.kill()
    process.wait()


def eventually(is_so, log):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as page:
            return page.status == 200
    except OSError:
        return False


def children_of(pid):
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return {line.split(None, 1)[1]: int(line.split()[0]) for line in listed.stdout.splitlines()}


def worker_of(pid):
    return next((child for args, child in children_of(pid).items() if "-m worker" in args), None)


# In this order: each test goes on with what the one before left.


def test_it_starts_everything_and_says_where_it_is(studio):
    _, port, log = studio
    eventually(lambda: answers(port), log)
    eventually(lambda: "listens for runs" in log.read_text(), log)
    where = f"grice  │ is at http://127.0.0.1:{port} — Ctrl-C ends it"
    eventually(lambda: where in log.read_text(), log)


@pytest.mark.usefixtures("studio")
def test_only_its_user_can_reach_the_queue(home):
    socket_file = home / "valkey" / "valkey.sock"
    assert socket_file.is_socket()
    assert socket_file.parent.stat().st_mode & 0o777 == 0o700
    assert socket_file.stat().st_mode & 0o777 == 0o700


def test_a_second_start_in_the_same_home_is_refused_with_what_to_do(studio, home, tmp_path):
    second = start(home, free_port(), tmp_path / "second")
    assert second.wait(timeout=PATIENCE_S) == 1
    said = (tmp_path / "second").read_text()
    assert f"Grice Studio runs in {home} already: process {studio[0].pid}" in said
    assert "GRICE_HOME" in said


def test_a_port_that_is_taken_is_explained(studio, tmp_path):
    _, port, _ = studio
    other = start(tmp_path / "home", port, tmp_path / "other")
    assert other.wait(timeout=PATIENCE_S) == 1
    said = (tmp_path / "other").read_text()
    assert f"port {port} of 127.0.0.1 can't be used" in said
    assert f"GRICE_PORT={port + 1} make run" in said


def test_a_child_that_dies_is_started_again_and_that_is_said(studio):
    process, _, log = studio
    first = worker_of(process.pid)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: worker_of(process.pid) not in {None, first}, log)
    assert "worker │ ended by SIGKILL; starts again in 0.5 s" in log.read_text()
    eventually(lambda: log.read_text().count("listens for runs") == 2, log)


def test_ctrl_c_ends_everything_within_ten_seconds(studio):
    process, port, log = studio
    children = list(children_of(process.pid).values())
    assert len(children) == 3
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    assert time.monotonic() - started < 10
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert log.read_text().rstrip().endswith("grice  │ ended")
    assert not answers(port)


def test_beyond_loopback_it_wants_sign_in_or_a_clear_word(tmp_path):
    environment = {**os.environ, "GRICE_HOME": str(tmp_path), "GRICE_ADDRESS": "192.0.2.1"}
    refused = subprocess.run(
        [sys.executable, "-m", "app"], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "configure sign-in" in refused.stderr
