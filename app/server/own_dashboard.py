"""The dashboard of a home, known by a file that it holds locked as long as it lives.

A front door that is killed takes its dashboard with it; where the system can't do that at once, or the
dashboard is deaf, the next front door finds it by this file and ends it, instead of asking a person to.
"""

import fcntl
import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FILE = "dashboard.lock"


@dataclass(frozen=True)
class RunningDashboard:
    """A dashboard that serves this home."""

    pid: int
    has_front_door: bool
    """It was started by a front door, and not by itself."""


def register_dashboard(home: Path, *, has_front_door: bool) -> None:
    """Be known as the dashboard of a home until this process ends; if another is, that one stays it."""
    with suppress(OSError):  # a home that can't be written to: everything else will say so
        home.mkdir(parents=True, exist_ok=True)
        file = os.open(home / _FILE, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: it is the lock
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.write(file, json.dumps([os.getpid(), has_front_door]).encode())


def running_dashboard(home: Path) -> RunningDashboard | None:
    """The dashboard that serves a home, if one does."""
    try:
        with (home / _FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return RunningDashboard(*json.load(file))
    except (OSError, ValueError, TypeError):  # none, or one that is only just starting
        return None
    return None


def end_orphan(home: Path) -> RunningDashboard | None:
    """Kill the dashboard of a front door that is gone; call it as the only front door of the home."""
    found = running_dashboard(home)
    if found is None or not found.has_front_door:
        return None
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGKILL)
    return found
