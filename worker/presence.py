"""Which workers of this home are alive: each holds the lock of a file that bears its name.

The kernel lets go of the lock when the process ends, however it ends. So a worker that was killed is
known to be dead at once by others in the same home, who need not wait for its lease to run out.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def new_owner() -> str:
    """A name that no other worker has or had: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@contextmanager
def present(home: Path, owner: str) -> Iterator[None]:
    """Be known as alive while the block lasts."""
    path = _file(home, owner)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def is_dead(home: Path, owner: str) -> bool:
    """Whether this was a worker of this home and has ended; False if that can't be known."""
    try:
        with _file(home, owner).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # alive; or of another home, or ended in good order
        return False
    return True


def forget_dead(home: Path, owner: str) -> None:
    """Remove what a dead worker left, once nothing is held in its name."""
    _file(home, owner).unlink(missing_ok=True)


def _file(home: Path, owner: str) -> Path:
    return home / "workers" / owner.replace("/", "_")
