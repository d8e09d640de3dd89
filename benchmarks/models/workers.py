"""Examining in worker processes: one that dies or hangs is an outcome, and a new one takes its place."""

import os
import signal
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from benchmarks.models.outcome import Outcome, Task

Examine = Callable[[str, str, Path], Any]
"""Of a name, a precision and an empty folder: a row with the fields of `Outcome`."""

_SPAWN = get_context("spawn")
_LINES_SHOWN = 20
_LEAVES_WITHIN_S = 10.0


@dataclass(frozen=True)
class Pool:
    """How many workers, what they do, and how long they may take for it."""

    examine: Examine
    jobs: int
    timeout_s: float
    """For one task, and for a new worker's start."""


@dataclass
class _Worker:
    """A process that examines one task after another, and what it is busy with."""

    pool: Pool
    folder: Path
    """For what it writes, and for what it says."""
    task: Task | None = None
    """The one that it was given last."""
    busy: bool = False
    deadline: float = 0.0
    connection: Connection = field(init=False)
    process: Any = field(init=False)

    def __post_init__(self) -> None:
        _log(self.folder).touch()
        self.connection, theirs = _SPAWN.Pipe()
        arguments = theirs, self.pool.examine, self.folder
        self.process = _SPAWN.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()  # so that its death is seen as the end of the pipe

    def give(self, task: Task) -> None:
        os.truncate(_log(self.folder), 0)
        self.task, self.deadline = task, time.monotonic() + self.pool.timeout_s
        self.busy = True
        with suppress(ConnectionError):  # one that has died meanwhile is seen by its outcome
            self.connection.send(task)

    def outcome(self) -> Outcome | None:
        """Of its task, if that has come to an end."""
        assert self.task is not None
        try:
            if self.connection.poll():
                self.busy = False
                outcome: Outcome = self.connection.recv()
                return outcome
        except (EOFError, ConnectionError):
            self.process.join()
            return Outcome.failure(self.task, f"its process {_how_it_ended(self.process)}")
        if time.monotonic() > self.deadline:
            return Outcome.failure(self.task, f"no answer in {self.pool.timeout_s:g} s")
        return None

    def end(self) -> None:
        """Let it leave by itself if it only waits for a task, else kill it."""
        self.connection.close()
        self.process.join(timeout=0.0 if self.busy else _LEAVES_WITHIN_S)
        self.process.kill()
        self.process.join()

    def last_words(self) -> str:
        lines = _log(self.folder).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LINES_SHOWN:])


def examine_all(tasks: Sequence[Task], pool: Pool) -> Iterator[Outcome]:
    """The outcome of every task, as they come; what a failed one said last goes to stderr."""
    waiting = deque(tasks)
    with tempfile.TemporaryDirectory() as home:
        workers: list[_Worker] = []
        try:
            while waiting or workers:
                while waiting and len(workers) < pool.jobs:
                    folder = Path(tempfile.mkdtemp(dir=home))
                    workers.append(_Worker(pool, folder))
                    workers[-1].give(waiting.popleft())
                wait([worker.connection for worker in workers], _seconds_left(workers))
                for worker in tuple(workers):
                    yield from _attend(worker, workers, waiting)
        finally:
            for worker in workers:
                worker.end()


def _attend(worker: _Worker, workers: list[_Worker], waiting: deque[Task]) -> Iterator[Outcome]:
    """Take a worker's outcome, if it has one, and give it the next task or let it go."""
    outcome = worker.outcome()
    if outcome is None:
        return
    if outcome.result == "failed":
        print(f"{worker.task}:\n{worker.last_words()}", file=sys.stderr)
    if waiting and outcome.result != "failed":
        worker.give(waiting.popleft())
    else:
        worker.end()
        workers.remove(worker)
    yield outcome


def _seconds_left(workers: Sequence[_Worker]) -> float:
    """Until the first of them has taken too long."""
    return max(0.0, min(worker.deadline for worker in workers) - time.monotonic())


def _how_it_ended(process: Any) -> str:
    code = process.exitcode
    return (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )


def _log(folder: Path) -> Path:
    return folder / "log"


def _serve(connection: Connection, examine: Examine, folder: Path) -> None:
    """Examine what comes through the pipe; everything that is printed meanwhile goes to a log."""
    log = os.open(_log(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ["GRICE_HOME"] = str(
        folder
    )  # reference log-probabilities of others would hide faults
    while task := _next(connection):
        with tempfile.TemporaryDirectory(dir=folder) as empty:
            connection.send(_examined(examine, task, Path(empty)))


def _next(connection: Connection) -> Task | None:
    """None when there is nothing more to do."""
    try:
        task: Task = connection.recv()
    except EOFError:
        return None
    return task


def _examined(examine: Examine, task: Task, folder: Path) -> Outcome:
    """A row, or the failure to get one."""
    try:
        return Outcome(**vars(examine(task.name, task.precision, folder)))
    except Exception as error:
        traceback.print_exc()
        first_line = next(iter(str(error).splitlines()), "")
        return Outcome.failure(task, f"{type(error).__name__}: {first_line}")
