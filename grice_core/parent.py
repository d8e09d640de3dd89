"""Processes that don't outlive the one that started them, even if that one is killed."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

PARENT = "GRICE_PARENT"
"""Environment variable that tells a child which process it belongs to."""

_PR_SET_PDEATHSIG = 1
_WATCH_EVERY_S = 0.5


def start_child(
    arguments: Sequence[str], environment: Mapping[str, str], **popen: Any
) -> "subprocess.Popen[bytes]":
    """Start one of our modules (`["-m", "worker"]`) so that `die_with_parent` in it works.

    It gets a session of its own, so that Ctrl-C reaches its parent only, which stops it in order.
    Call this from the main thread: Linux takes a thread's end for the parent's.
    """
    return subprocess.Popen(  # noqa: S603 - this program's own modules
        [sys.executable, *arguments],
        env={**environment, PARENT: str(os.getpid())},
        start_new_session=True,
        **popen,
    )


def die_with_parent(
    with_signal: signal.Signals = signal.SIGKILL, patience_s: float | None = None
) -> bool:
    """Get this signal when the process that started this one ends, however it ends.

    Does nothing in a process that was not started by `start_child`; returns whether it was.

    Args:
        patience_s: after so many seconds more it is killed, since no one else is left to do so;
            None: that is not needed.
    """
    parent = int(os.environ.get(PARENT, "0"))
    if not parent:
        return False
    del os.environ[PARENT]  # it is not the parent of our own children
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(with_signal))
    else:
        threading.Thread(target=_watch, args=(parent, with_signal), daemon=True).start()
    if patience_s is not None:
        threading.Thread(target=_outlast, args=(parent, patience_s), daemon=True).start()
    if os.getppid() != parent:  # it ended before we could say so
        os.kill(os.getpid(), with_signal)
    return True


def how_it_ended(status: int) -> str:
    """What is said of a process by its exit status: `was killed (SIGKILL): by a user, or out of memory`."""
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL): by a user, or out of memory"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _watch(parent: int, with_signal: signal.Signals) -> None:
    _wait_for_end(parent)
    os.kill(os.getpid(), with_signal)


def _outlast(parent: int, patience_s: float) -> None:
    _wait_for_end(parent)
    time.sleep(patience_s)
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_EVERY_S)
