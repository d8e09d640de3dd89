"""Parts within a time budget: tasks in processes that are killed when their time is over."""

import importlib.util
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from benchmarks.gpu.results import Row, skipped
from benchmarks.quiet import hush
from grice_core.parent import PARENT, die_with_parent, how_it_ended

LEAST_S = 8.0
"""A task is not begun with less time than this, and leaves as much to each that follows in its part."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SPAWN = get_context("spawn")
_DONE, _GONE = "done", "gone"
"""After a task's rows: whether its process takes another."""


Measure = Callable[..., Iterator[Row]]
"""Of what all tasks are given and a task's own arguments, in a process that may be killed at any moment."""


@dataclass(frozen=True)
class Task:
    """A part of a part, which has a process to itself or shares one."""

    name: str
    measure: Measure
    arguments: tuple[Any, ...] = ()
    is_alone: bool = False
    """Whether its process ends with it, as where a library changes torch for good."""
    needs: str = ""
    """Module without which it is skipped."""
    needs_all_gpus: bool = False
    """Else it sees the first one only: libraries would spread over all."""


@dataclass(frozen=True)
class Part:
    """Tasks that share a share of the time."""

    name: str
    share: float
    tasks: tuple[Task, ...]


class Clock:
    """How much of the time is left, for all and for a part."""

    def __init__(self, seconds: float, parts: Sequence[Part]) -> None:
        self._started = time.monotonic()
        self._ends = self._started + seconds
        self._parts = tuple(parts)

    @property
    def passed_s(self) -> float:
        return time.monotonic() - self._started

    def seconds_for(self, part: Part) -> float:
        """Its share of what is left for it and all that follow."""
        following = self._parts[self._parts.index(part) :]
        left = self._ends - time.monotonic()
        return left * part.share / sum(each.share for each in following)


def run_parts(parts: Sequence[Part], setting: Any, clock: Clock) -> Iterator[Row]:
    """All rows, as they come."""
    pool = _Process(setting)
    try:
        for part in parts:
            ends = time.monotonic() + clock.seconds_for(part)
            for place, task in enumerate(part.tasks):
                seconds = ends - time.monotonic() - LEAST_S * (len(part.tasks) - place - 1)
                print(
                    f"… {part.name}: {task.name} ({max(0.0, seconds):.0f} s)",
                    file=sys.stderr,
                    flush=True,
                )
                for row in _rows(pool, task, seconds):
                    yield replace(row, part=part.name, at_s=round(clock.passed_s, 1))
    finally:
        pool.end()


def _rows(pool: "_Process", task: Task, seconds: float) -> Iterator[Row]:
    if task.needs and importlib.util.find_spec(task.needs) is None:
        yield skipped(task.name, "", f"{task.needs} is not installed")
        return
    if seconds < LEAST_S:
        yield skipped(task.name, "", "did not fit: no time was left for it")
        return
    yield from pool.run(task, time.monotonic() + seconds)


class _Process:
    """The process that tasks run in, started when there is none."""

    def __init__(self, setting: Any) -> None:
        self._setting = setting
        self._process: Any = None
        self._pipe: Any = None
        self._sees_all = False

    def run(self, task: Task, ends: float) -> Iterator[Row]:
        """The task's rows; the process is gone afterwards if it is of no more use."""
        if task.is_alone or task.needs_all_gpus != self._sees_all:
            self.end()
        if self._process is None:
            self._start(task.needs_all_gpus)
        self._pipe.send(task)
        while True:
            if not self._pipe.poll(max(0.0, ends - time.monotonic())):
                self.end()
                yield Row(
                    task.name,
                    "",
                    state="skipped",
                    note="did not fit: its time was over before its end",
                )
                return
            try:
                row = self._pipe.recv()
            except (EOFError, ConnectionError):
                self._process.join()
                how = how_it_ended(self._process.exitcode)
                self.end()
                yield Row(task.name, "", who="", state="failed", note=f"its process {how}")
                return
            if row in (_DONE, _GONE):
                break
            yield row
        if task.is_alone or row == _GONE:
            self.end()

    def _start(self, sees_all: bool) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        arguments = theirs, self._setting, os.getpid()
        self._process = _SPAWN.Process(target=_serve, args=arguments)
        with _seeing(sees_all):
            self._process.start()
        self._sees_all = sees_all
        theirs.close()  # so that its death is seen as the end of the pipe

    def end(self) -> None:
        """Kill it and what it has started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._process = None


@contextmanager
def _seeing(all_gpus: bool) -> Iterator[None]:
    """What is started meanwhile sees the first GPU only, unless it is to see all."""
    before = os.environ.get(_VISIBLE)
    if not all_gpus:
        os.environ[_VISIBLE] = (before or "0").split(",")[0]
    yield
    if before is not None:
        os.environ[_VISIBLE] = before
    elif not all_gpus:
        del os.environ[_VISIBLE]


def _serve(pipe: Any, setting: Any, parent: int) -> None:
    """Do one task after another; what is printed meanwhile goes to standard error."""
    os.setpgrp()  # so that whatever a task starts is killed with it
    os.environ[PARENT] = str(parent)
    die_with_parent()
    os.dup2(2, 1)
    hush()
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        try:
            for row in task.measure(setting, *task.arguments):
                pipe.send(row)
        except Exception as error:
            traceback.print_exc()
            first = next(iter(str(error).splitlines()), "")
            pipe.send(
                Row(task.name, "", who="", state="failed", note=f"{type(error).__name__}: {first}")
            )
            pipe.send(_GONE)  # after some errors of CUDA no other call works
            return
        pipe.send(_DONE)
