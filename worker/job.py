"""The process that does one run: `python -m worker.job`, told what to do on its standard input."""

import faulthandler
import os
import signal
import sys
from pathlib import Path
from threading import Event
from types import FrameType

from grice_core.parent import die_with_parent
from grice_core.settings import settings
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from worker.child import Assignment


def main() -> int:
    """Load what takes long, wait for the assignment, do it; returns the exit status."""
    die_with_parent()
    stop = Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal wants
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then asks us
    # Here and not above: this takes seconds, during which this process waits in reserve.
    from worker.execution import Job, execute

    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    assignment = Assignment.from_line(line)
    _print_into(Path(assignment.log))
    return execute(
        Job(
            database=Database.at(settings().database_url),
            artifacts=ArtifactStore(settings().artifacts_url),
            home=settings().home,
            claim=assignment.claim,
            log=Path(assignment.log),
            stop=stop,
        )
    )


def _print_into(log: Path) -> None:
    """Send everything that this process prints, crashes included, into the run's log."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()


if __name__ == "__main__":
    sys.exit(main())
