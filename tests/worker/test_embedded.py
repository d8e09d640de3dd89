"""The queue's own server: one in each home, whatever was left there."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from redis import RedisError

from grice_core.store.states import Device
from tests.worker.processes import end, eventually, fill
from worker.connection import client_of
from worker.notify import queue_of


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="grice-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start():
    """Starts the server of a home; all end with the test."""
    started = []

    def begin(home):
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.embedded"],
            env={**os.environ, "GRICE_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        end(process)
        process.stdout.close()


def server_of(home):
    """A client, once the server answers."""
    client = client_of(f"unix://{home}/valkey/valkey.sock")

    def answers():
        try:
            return client.ping()
        except RedisError:
            return False

    eventually(answers, "the server answers", within_s=30)
    return client


def test_a_second_server_in_the_same_home_says_that_one_is_there(start, home):
    start(home)
    server_of(home)
    second = start(home)
    assert second.wait(timeout=30) == 1
    assert b"is used by another server, which serves this home already" in second.stdout.read()
    server_of(home)


def test_a_server_that_was_killed_leaves_a_socket_and_loses_no_bell(start, home):
    first = start(home)
    queue = queue_of(server_of(home), Device.CPU)
    queue.enqueue("worker.tasks.take_run", 1, 1, job_id="run-1-attempt-1")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert (home / "valkey" / "valkey.sock").is_socket()
    start(home)
    assert queue_of(server_of(home), Device.CPU).get_job_ids() == ["run-1-attempt-1"]


def test_a_home_whose_path_is_too_long_for_a_socket_has_it_elsewhere(start, home):
    deep = home / ("x" * 60) / ("y" * 60)
    start(deep)
    asked = subprocess.run(
        [
            sys.executable,
            "-c",
            "import time; from worker.connection import *; p = socket_path(); print(p)\n"
            "while not p.exists(): time.sleep(0.1)\n"
            "print(connect().ping())",
        ],
        env={**os.environ, "GRICE_HOME": str(deep)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    path, pong = asked.stdout.split()
    assert pong == "True"
    assert len(path) <= 100
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a disk"
)
def test_a_server_without_room_on_its_disk_says_so(start, home):
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(home)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        (home / "fill").write_bytes(bytes(16 * 1024))
        server = start(home)
        assert server.wait(timeout=30) == 1
        assert b"No space left on device" in server.stdout.read()
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a disk"
)
def test_a_server_whose_disk_was_full_comes_up_with_all_that_it_had_promised(start, home):
    folder = home / "valkey"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        process = start(home)
        client = server_of(home)
        promised = ["the first"]
        client.rpush("promised", *promised)
        fill(folder / "filler")
        with suppress(RedisError):
            while len(promised) < 10_000:
                client.rpush("promised", text := f"{len(promised)} " + "x" * 100)
                promised.append(text)
        assert len(promised) < 10_000
        assert process.wait(timeout=30) == 1
        assert b"write error" in process.stdout.read()
        again = start(home)  # the disk is still full
        again.terminate()
        again.wait(timeout=30)  # however far it came, it ends when it is told to
        (folder / "filler").unlink()
        start(home)
        kept = [text.decode() for text in server_of(home).lrange("promised", 0, -1)]
        assert kept == promised
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
