"""A piece of work in a process of its own, within bounds: what users bring is read so.

Whatever a file does to that process, the one that asked lives on and says what happened. Texts and numbers
come back through a file that is mapped into memory, so they are not copied.
"""

import json
import mmap
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from tempfile import TemporaryDirectory
from typing import Any, Protocol, Self, TypeVar

import psutil

from grice_core.errors import DataError, GriceError
from grice_core.parent import die_with_parent, how_it_ended, start_child
from grice_core.progress import Progress, silent

_Result_co = TypeVar("_Result_co", covariant=True)
_GIB = 1024**3
_MIB = 1024**2
_LOOK_EVERY_S = 0.1
_ALIGNMENT = 64
"""Of what lies in memory, as Arrow wants it."""
_WAITING = 20
"""The process may wait so many times as long as it may compute: for a disk, or for other processes."""


class Work(Protocol[_Result_co]):
    """A function of a module, or a `functools.partial` of one, that takes a `progress`."""

    def __call__(self, *, progress: Progress) -> _Result_co: ...


@dataclass(frozen=True)
class Bounds:
    """What a piece of work may take."""

    cpu_s: int
    memory_bytes: int

    @classmethod
    def for_file(cls, size: int) -> Self:
        """Several times what reading a file of this many bytes takes, compressed or not."""
        most = psutil.virtual_memory().total * 3 // 4
        return cls(60 + size // _MIB, min(4 * _GIB + 16 * size, most))


def run_apart(
    work: Work[_Result_co], what: str, bounds: Bounds, progress: Progress = silent
) -> _Result_co:
    """Do something in a process of its own.

    Args:
        what: it is about, for messages: a file's name.

    Raises:
        DataError: it took more than its bounds, or its process was ended.
        GriceError: what the work raised.
        RuntimeError: the work raised anything else.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").write_bytes(pickle.dumps((work, bounds)))
        child = start_child(
            ["-m", "grice_core.apart", name], os.environ, stdout=subprocess.PIPE, bufsize=0
        )
        try:
            _follow(child, what, bounds, progress)
        finally:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        result, error = _read(folder)
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]  # it is what the work gave


def _follow(
    child: "subprocess.Popen[bytes]", what: str, bounds: Bounds, progress: Progress
) -> None:
    """Pass its progress on until it ends.

    Raises: DataError, if it ends badly or takes too much.
    """
    assert child.stdout is not None  # noqa: S101 - it was started with one
    deadline = time.monotonic() + _WAITING * bounds.cpu_s
    begun = b""
    with DefaultSelector() as ready:
        ready.register(child.stdout, EVENT_READ)
        while True:
            if ready.select(_LOOK_EVERY_S):
                block = child.stdout.read(65_536)
                if not block:
                    break
                *lines, begun = (begun + block).split(b"\n")
                for line in lines:
                    progress(*json.loads(line))
            _check_bounds(child, what, bounds, deadline)
    status = child.wait()
    if status == -signal.SIGXCPU:
        raise _too_slow(what, bounds)
    if status:
        raise DataError(f"{what} can't be read: the process that read it {how_it_ended(status)}")


def _check_bounds(
    child: "subprocess.Popen[bytes]", what: str, bounds: Bounds, deadline: float
) -> None:
    if time.monotonic() > deadline:
        raise _too_slow(what, bounds)
    with suppress(psutil.Error):  # it has just ended
        if psutil.Process(child.pid).memory_info().rss > bounds.memory_bytes:
            raise DataError(
                f"{what} takes more than {bounds.memory_bytes / _GIB:.1f} GiB of memory to read; "
                "split it into several files"
            )


def _too_slow(what: str, bounds: Bounds) -> DataError:
    return DataError(
        f"{what} takes more than {bounds.cpu_s:,} s of computing to read; split it into several files"
    )


def _read(folder: Path) -> tuple[Any, Exception | None]:
    with (folder / "buffers").open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    pickled, places = pickle.loads((folder / "outcome").read_bytes())  # noqa: S301 - our own process
    view = memoryview(mapped)
    result, raised = pickle.loads(  # noqa: S301
        pickled, buffers=[view[start : start + length] for start, length in places]
    )
    return result, None if raised is None else _rebuilt(*raised)


def _rebuilt(kind: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    """An error as it was; what its class takes to make one is another matter."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def _main(folder: Path) -> None:
    """In the process of its own."""
    die_with_parent()
    if sys.platform == "linux":  # if memory runs out, this process has to go
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    work, bounds = pickle.loads((folder / "work").read_bytes())  # noqa: S301 - our own process
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu_s, bounds.cpu_s + 5))
    _write(folder, _outcome(work))


def _outcome(work: Work[Any]) -> tuple[Any, Exception | None]:
    try:
        return work(progress=_say), None
    except GriceError as error:
        return None, error
    except Exception:
        return None, RuntimeError(traceback.format_exc())


def _say(task: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps([task, done, total]) + "\n")
    sys.stdout.flush()


def _write(folder: Path, outcome: tuple[Any, Exception | None]) -> None:
    buffers: list[pickle.PickleBuffer] = []
    keep: Callable[[pickle.PickleBuffer], Any] = buffers.append
    result, error = outcome
    raised = None if error is None else (type(error), error.args, vars(error))
    pickled = pickle.dumps((result, raised), protocol=5, buffer_callback=keep)
    places = []
    with (folder / "buffers").open("wb") as file:
        for buffer in buffers:
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            raw = buffer.raw()
            places.append((file.tell(), raw.nbytes))
            file.write(raw)
    (folder / "outcome").write_bytes(pickle.dumps((pickled, places)))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
