"""`python -m worker.health`: whether a worker of this machine listens, as an exit status."""

import socket
import sys

from redis import RedisError

from worker.connection import connect
from worker.heartbeats import read_heartbeats


def main() -> int:
    """0: one listens; 1: none, or the queue can't be asked."""
    try:
        names = [worker.name for worker in read_heartbeats(connect())]
    except RedisError:
        return 1
    return 0 if any(name.startswith(f"{socket.gethostname()}:") for name in names) else 1


if __name__ == "__main__":
    sys.exit(main())
