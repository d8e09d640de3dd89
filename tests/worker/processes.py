"""Real processes: waiting for them, and being rough with them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = float(os.environ.get("GRICE_TEST_PATIENCE_S", "240"))
"""How long is waited for what has to come; more is needed where a machine is busy with other work."""


def eventually(
    is_so: Callable[[], Any], what: str, within_s: float = PATIENCE_S, look_every_s: float = 0.1
) -> Any:
    """What the function gives once that is something."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = is_so()
        if answer:
            return answer
        time.sleep(look_every_s)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, which may have ended."""
    if process.poll() is None:
        process.kill()
    process.wait()


def fill(path: Path) -> None:
    """Take all the room that a disk has."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def forked(work: Callable[[], object]) -> int:
    """A process that does this and ends; a fork, since starting Python takes longer than most work."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def kill_forked(child: int) -> bool:
    """Kill a process of `forked`; returns whether it had not ended by itself."""
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def restart_postgres(server: Any) -> None:
    """Kill it as a machine's memory killer would, and start it as a service manager does after that."""
    postmaster = psutil.Process(server.get_pid())
    pids = [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]
    postmaster.kill()
    eventually(lambda: not any(map(alive, pids)), "the server and its processes have ended")
    # The wheel takes a killed server that no one has waited for as one that runs.
    for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (server.pgdata / left).unlink(missing_ok=True)
    server.ensure_postgres_running()
