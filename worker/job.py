"""`python -m worker.job [--fork]`: load the libraries, then do runs as they are assigned.

It reads assignments from its standard input, one line of JSON each, and says on its standard output
`{"ready": pid}`, then for each `{"started": pid}`, and with --fork, which does every run in a process of
its own, `{"ended": status}`.
"""

import faulthandler
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from threading import Event
from types import FrameType

from grice_core.loading import begin_loading, end_loading
from grice_core.parent import PARENT, die_with_parent
from grice_core.quiet import hush_libraries
from grice_core.settings import settings
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.structured_log import log_to
from worker.child import Assignment

_stop = Event()


def main() -> int:
    """Do what is assigned until the worker closes the pipe; returns the exit status."""
    die_with_parent()
    # Already here, so that a process that is asked to end when it has just begun knows what to do.
    signal.signal(signal.SIGTERM, _ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then asks us
    begin_loading()
    import worker.execution  # noqa: F401 - takes seconds, for which a run need not be claimed

    end_loading()
    hush_libraries()
    _say(ready=os.getpid())
    while line := sys.stdin.buffer.readline():
        assignment = Assignment.from_line(line)
        if "--fork" not in sys.argv:
            _say(started=os.getpid())
            return _do(assignment)
        _fork(assignment)
    return 0


def _ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal wants
    _stop.set()


def _fork(assignment: Assignment) -> None:
    """Do a run in a process of its own, and say how it ended."""
    os.environ[PARENT] = str(os.getpid())
    pid = os.fork()
    if pid == 0:
        _stop.clear()
        status = 1
        try:
            os.setsid()  # so that it can be ended together with whatever it starts
            die_with_parent()
            status = _do(assignment)
        except Exception:  # no interpreter prints it after `os._exit`
            traceback.print_exc()
        finally:
            os._exit(status)  # and not back into the loop
    _say(started=pid)
    _, status = os.waitpid(pid, 0)
    _say(ended=os.waitstatus_to_exitcode(status))


def _do(assignment: Assignment) -> int:
    from worker.execution import Job, execute

    # Where the worker's own lines go, before what is printed goes into the run's log.
    lines = os.fdopen(os.dup(2), "w", buffering=1)
    log_to(lines, settings().log, "job", text=False, worker=assignment.claim.owner)
    _print_into(Path(assignment.log))
    status = execute(
        Job(
            database=Database.at(settings().database_url),
            artifacts=ArtifactStore(settings().artifacts_url),
            home=settings().home,
            claim=assignment.claim,
            log=Path(assignment.log),
            stop=_stop,
        )
    )
    sys.stdout.flush()
    return status


def _print_into(log: Path) -> None:
    """Send everything that this process prints, crashes included, into the run's log."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()


def _say(**what: int) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - its worker listens


if __name__ == "__main__":
    sys.exit(main())
