"""Everything on one machine: database brought up to date, queue, worker, dashboard; until Ctrl-C."""

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from app.server.child_process import Child
from app.server.own_dashboard import end_orphan, running_dashboard
from app.server.privacy import check_is_private
from app.state.settings import AppSettings, app_settings
from grice_core.errors import GriceError, InputError, StoreError
from grice_core.files import keep_private
from grice_core.settings import settings
from grice_core.store import migrate
from grice_core.store.engine import connect
from grice_core.structured_log import as_json_line
from worker.client import RunQueue

_LOOK_EVERY_S = 0.2
_QUEUE_IS_UP_AFTER_S = 20.0
_ORPHAN_ENDS_WITHIN_S = 10.0
_NOISE_OF_VALKEY = (
    "Memory overcommit must be enabled",  # to save in a fork, which it never does
    "Received SIGTERM scheduling shutdown",
    "ready to exit, bye bye",
)
_NOISE_OF_STREAMLIT = ("Uvicorn server started", "You can now view", "  URL: ")  # said by ourselves
# Seconds after Ctrl-C at which a program that is still there is killed; all is over within ten. The job's own
# `grace_s` is shorter, so that its worker has time to say what became of it.
_WORKER_IS_KILLED_AFTER_S = 8.0
_QUEUE_IS_KILLED_AFTER_S = 8.7
_LAST_WORDS_UNTIL_S = 9.2


def main() -> None:
    """Run everything until Ctrl-C; a fault that a user can fix becomes one sentence."""
    try:
        _FrontDoor(app_settings(), settings().home.absolute()).stand_open()
    except GriceError as error:
        sys.exit(f"grice: {error}")


class _FrontDoor:
    """The programs of one home."""

    def __init__(self, wanted: AppSettings, home: Path) -> None:
        self._wanted = wanted
        self._home = home
        self._asked = threading.Event()
        self._environment = {**os.environ, "GRICE_HOME": str(home)}
        own_queue = not os.environ.get("REDIS_URL")
        queue = Child("queue", ["-m", "worker.embedded"], _say, _NOISE_OF_VALKEY)
        self._queue = queue if own_queue else None
        self._worker = Child("worker", ["-m", "worker"], _say)
        self._app = Child("app", ["-m", "app.serve"], _say, _NOISE_OF_STREAMLIT)

    def stand_open(self) -> None:
        """Start everything, keep it running, end it in order.

        Raises:
            GriceError: it can't be started.
        """
        check_is_private(self._wanted)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_end)
        with self._alone_in_home():
            self._check_port()
            engine = connect(settings().database_url)
            migrate.bring_up_to_date(engine, partial(_say, "grice"))
            engine.dispose()
            try:
                self._start()
                self._keep_running()
            finally:
                self._end()

    def _ask_to_end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked.set()

    @contextmanager
    def _alone_in_home(self) -> Iterator[None]:
        """Refuse a second start in the same home, which would run a second of everything."""
        with self._lock_file() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"Grice Studio runs in {self._home} already: {os.read(file, 200).decode().strip()}. "
                    "Use that, or set GRICE_HOME (and GRICE_PORT) for a second one"
                ) from None
            try:
                os.ftruncate(file, 0)
                os.write(file, f"process {os.getpid()} at {self._wanted.url}\n".encode())
            except OSError as error:
                raise self._unwritable(error) from error
            yield

    @contextmanager
    def _lock_file(self) -> Iterator[int]:
        try:
            keep_private(self._home)
            file = os.open(self._home / "front_door.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield file
        finally:
            os.close(file)

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"{self._home} can't be written to ({error.strerror}); make that possible, or set "
            "GRICE_HOME to a folder of yours"
        )

    def _check_port(self) -> None:
        """Say in time that the port is taken; Streamlit would say it on a child's stream."""
        orphan = end_orphan(self._home)
        if orphan is not None:
            _say("grice", f"ended the dashboard that a killed start left (process {orphan.pid})")
        deadline = time.monotonic() + (_ORPHAN_ENDS_WITHIN_S if orphan else 0)
        while (reason := self._why_port_is_taken()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if reason:
            raise InputError(
                f"port {self._wanted.port} of {self._wanted.address} can't be used ({reason}): "
                f"{self._who_has_port()}, or set GRICE_PORT, as in "
                f"GRICE_PORT={self._wanted.port + 1} make run"
            )

    def _why_port_is_taken(self) -> str | None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._wanted.address, self._wanted.port))
            except OSError as error:
                return error.strerror
        return None

    def _who_has_port(self) -> str:
        alone = running_dashboard(self._home)
        if alone is None:
            return "end the program that has it"
        return f"end `python -m app.serve` (process {alone.pid}), which serves this home already"

    def _start(self) -> None:
        if self._queue is not None:
            self._queue.start(self._environment)
            self._wait_for_queue(self._queue)
        self._worker.start(self._environment)
        self._app.start(self._environment)

    def _wait_for_queue(self, queue: Child) -> None:
        redis = RunQueue.open()
        deadline = time.monotonic() + _QUEUE_IS_UP_AFTER_S
        while not redis.is_available() and not self._asked.is_set():
            if not queue.is_running() or time.monotonic() > deadline:
                queue.end_by(time.monotonic())
                queue.hear_out(time.monotonic() + 1)
                raise StoreError(f"the queue's server did not start: {' '.join(queue.last_lines)}")
            self._asked.wait(0.05)

    def _keep_running(self) -> None:
        is_up = False
        while not self._asked.wait(_LOOK_EVERY_S):
            if not is_up and self._answers():
                is_up = True
                _say("grice", f"is at {self._wanted.url} — Ctrl-C ends it")
            for child in self._children():
                child.revive()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self._wanted.address, self._wanted.port)) == 0

    def _end(self) -> None:
        """The worker first: its run writes a checkpoint, and the queue should hear of it."""
        started = time.monotonic()
        _say("grice", "ends; running jobs write a checkpoint first")
        first = (self._worker, self._app)
        for child in first:
            child.ask_to_end()
        for child in first:
            child.end_by(started + _WORKER_IS_KILLED_AFTER_S)
        if self._queue is not None:
            self._queue.ask_to_end()
            self._queue.end_by(started + _QUEUE_IS_KILLED_AFTER_S)
        for child in self._children():
            child.hear_out(started + _LAST_WORDS_UNTIL_S)
        _say("grice", "ended")

    def _children(self) -> list[Child]:
        return [child for child in (self._queue, self._worker, self._app) if child is not None]


def _say(name: str, line: str) -> None:
    shown = as_json_line(name, line) if settings().log == "json" else f"{name:<6} │ {line}"
    sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()
