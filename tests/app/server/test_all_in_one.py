"""`python -m app`: everything on one machine, started, mistreated and ended. Real processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from grice_core.store.states import RunState
from tests.pipeline.world import write_world
from tests.worker.asked import NUM_STEPS, ask
from tests.worker.installation import Installation
from tests.worker.processes import alive

PATIENCE_S = 180
PROGRAMS = {"app   ": "-m app.serve", "worker": "-m worker", "queue ": "valkey-server"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def home():
    folder = Path(tempfile.mkdtemp(prefix="grice-"))
    folder.chmod(0o755)  # as a folder that a user made
    usual = os.umask(0o077)  # what these tests keep there themselves is not what is asked about
    yield folder
    os.umask(usual)
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
            umask=0o022,
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
    """What each child was called with → its process id."""
    found = {}
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            found[" ".join(child.cmdline())] = child.pid
    return found


def child_of(pid, program):
    return next((child for args, child in children_of(pid).items() if program in args), None)


@pytest.fixture(scope="module")
def small_pipeline(home, tmp_path_factory):
    """A pipeline that was asked for, in the home's own database."""
    url, artifacts = f"sqlite:///{home / 'grice.db'}", f"file://{home / 'artifacts'}"
    queue = Installation(home, url, artifacts).queue()
    yield ask(queue, write_world(tmp_path_factory.mktemp("world")))
    queue.database.engine.dispose()


# In this order: each test continues with what the one before left.


def test_it_starts_everything_and_says_where_it_is(studio):
    _, port, log = studio
    eventually(lambda: answers(port), log)
    eventually(lambda: "listens for runs" in log.read_text(), log)
    where = f"grice  │ is at http://127.0.0.1:{port} — Ctrl-C ends it"
    eventually(lambda: where in log.read_text(), log)


def told(port, path):
    """Status and content of an address that orchestrators ask."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_says_whether_it_lives_and_whether_all_that_it_needs_answers(studio):
    process, port, log = studio
    fine = {"database": "fine", "queue": "fine", "artifacts": "fine"}
    assert told(port, "healthz") == (200, {"dashboard": "fine"})
    assert told(port, "readyz") == (200, fine)
    queue = child_of(process.pid, PROGRAMS["queue "])
    os.kill(queue, signal.SIGSTOP)
    try:
        assert told(port, "readyz") == (503, fine | {"queue": "does not answer"})
        assert told(port, "healthz") == (200, {"dashboard": "fine"})
    finally:
        os.kill(queue, signal.SIGCONT)
    eventually(lambda: told(port, "readyz") == (200, fine), log)


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


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a disk"
)
def test_a_disk_without_room_is_explained(tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        started = start(full, free_port(), tmp_path / "no room for tables")
        assert started.wait(timeout=PATIENCE_S) == 1
        (full / "front_door.lock").unlink()
        with suppress(OSError), (full / "fill").open("wb", buffering=0) as fill:
            while fill.write(bytes(4096)):
                pass
        started = start(full, free_port(), tmp_path / "no room at all")
        assert started.wait(timeout=PATIENCE_S) == 1
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)
    assert "the database can't be upgraded" in (tmp_path / "no room for tables").read_text()
    said = (tmp_path / "no room at all").read_text()
    assert said.startswith(f"grice: {full} can't be written to (No space left on device)")
    assert "GRICE_HOME" in said


def test_a_child_that_dies_is_started_again_and_that_is_said(studio):
    process, _, log = studio
    for name, program in PROGRAMS.items():
        first = child_of(process.pid, program)
        os.kill(first, signal.SIGKILL)  # a server that is killed leaves its socket behind
        eventually(lambda p=program, old=first: child_of(process.pid, p) not in {None, old}, log)
        assert f"{name} │ ended by SIGKILL; starts again in 0.5 s" in log.read_text()
    eventually(lambda: log.read_text().count("listens for runs") == 2, log)


def test_ctrl_c_ends_everything_within_ten_seconds_and_the_running_job_with_a_checkpoint(
    studio, small_pipeline
):
    process, port, log = studio
    run = small_pipeline.until_step(20)
    children = [*children_of(process.pid).values(), run.pid]
    assert len(children) == 4
    seconds = seconds_to_end(process)
    assert seconds < 10, log.read_text()
    assert not any(map(alive, children))
    assert log.read_text().rstrip().endswith("grice  │ ended")
    assert not answers(port)
    run = small_pipeline.run("train")
    assert (run.state, run.error) == (RunState.INTERRUPTED, "its worker was shut down")
    assert 20 <= run.step < NUM_STEPS


def test_what_was_interrupted_goes_on_when_it_is_started_again(home, small_pipeline):
    interrupted = small_pipeline.run("train")
    port, log = free_port(), home / "log of the second start"
    process = start(home, port, log)
    try:
        small_pipeline.until_done()
        assert f"continues after step {interrupted.step}" in small_pipeline.log("train")
        assert small_pipeline.run("train").attempt == 2
        eventually(lambda: answers(port), log)
        frozen = children_of(process.pid).values()
        assert len(frozen) == 3
        for child in frozen:
            os.kill(child, signal.SIGSTOP)
        # No one hears that he should end, and all the same it takes no longer.
        assert seconds_to_end(process) < 10, log.read_text()
        assert not any(map(alive, frozen))
        assert log.read_text().count("did not end in time and is killed") == 3
    finally:
        if process.poll() is None:
            process.kill()


def test_no_other_user_of_the_machine_can_read_what_it_keeps(home):
    ours = [home, *(path for path in home.rglob("*") if not path.name.startswith("log"))]
    assert len(ours) > 40
    assert [str(path) for path in ours if path.stat().st_mode & 0o077] == []


def seconds_to_end(process):
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    return time.monotonic() - started


def test_beyond_loopback_it_wants_sign_in_or_a_clear_word(tmp_path):
    environment = {**os.environ, "GRICE_HOME": str(tmp_path), "GRICE_ADDRESS": "192.0.2.1"}
    refused = subprocess.run(
        [sys.executable, "-m", "app"], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "configure sign-in" in refused.stderr


@pytest.mark.stack
def test_a_killed_start_leaves_nothing_and_the_next_one_comes_up_on_its_port(home):
    port, log = free_port(), home / "log of the killed start"
    for frozen in (False, True):
        process = start(home, port, log)
        eventually(lambda: answers(port), log)
        orphans = children_of(process.pid)
        assert len(orphans) == 3
        if frozen:
            os.kill(child_of(process.pid, PROGRAMS["app   "]), signal.SIGSTOP)
        process.kill()
        process.wait()
        eventually(lambda orphans=orphans: not any(map(alive, orphans.values())), log)


@pytest.mark.stack
def test_a_dashboard_that_outlives_its_front_door_is_ended_by_the_next_start(home):
    port, log = free_port(), home / "log of the outlived start"
    with (home / "orphan").open("wb") as output:
        orphan = subprocess.Popen(
            [sys.executable, "-c", OUTLIVING.format(port=port)],
            env={**os.environ, "GRICE_HOME": str(home)},
            stdout=output,
            stderr=output,
        )
    eventually(lambda: b"serves" in (home / "orphan").read_bytes(), log)
    process = start(home, port, log)
    try:
        eventually(lambda: answers(port), log)
        assert f"ended the dashboard that a killed start left (process {orphan.pid})" in (
            log.read_text()
        )
        assert orphan.wait(timeout=10) == -signal.SIGKILL
        assert "end the program that has it" not in log.read_text()
    finally:
        seconds_to_end(process)


OUTLIVING = """
import signal, socket
from pathlib import Path
from app.server.own_dashboard import register_dashboard
from grice_core.settings import settings
signal.signal(signal.SIGTERM, signal.SIG_IGN)
register_dashboard(settings().home, has_front_door=True)
with socket.socket() as server:
    server.bind(("127.0.0.1", {port}))
    server.listen()
    print("serves", flush=True)
    signal.pause()
"""
"""A dashboard as a system leaves it that can't end children with their parents: deaf, and on the port."""
