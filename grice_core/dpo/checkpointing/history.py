"""What happened at each optimizer step, as JSON lines."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from grice_core.dpo.metrics import Metrics
from grice_core.errors import OutputError
from grice_core.files import open_to_append


class StepFile:
    """Appends lines that each belong to a step; each is flushed before the next one.

    It is a context manager.

    Raises: OutputError, if the file can't be written, or another process writes to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes]

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        self._file = open_to_append(self.path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a line, which says its step."""
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def sync(self) -> None:
        """Force every line to disk, so that a checkpoint is never ahead of them."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def truncate_after(self, step: int) -> None:
        """Drop the lines of later steps, which will be taken again, and a half-written line."""
        self._file.seek(0)
        kept = 0
        for line, record in _whole_lines(self._file):
            if record["step"] > step:
                break
            kept += len(line)
        self._file.truncate(kept)

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path} can't be written: {error.strerror}")


class HistoryFile(StepFile):
    """One line per step: its metrics."""

    def append(self, record: Metrics) -> None:
        """Write one step's record; what is not a finite number becomes null, as JSON wants it."""
        self.write(
            {name: value if math.isfinite(value) else None for name, value in record.items()}
        )


def read_history(path: Path) -> list[Metrics]:
    """The records of a history, in order, without a half-written line.

    A file that doesn't exist yet has no records. What was not a finite number is NaN.
    """
    return [
        {name: math.nan if value is None else value for name, value in line.items()}
        for line in read_steps(path)
    ]


def read_steps(path: Path) -> list[dict[str, Any]]:
    """The lines of a `StepFile`, in order, without a half-written one; none if there is no file."""
    try:
        with path.open("rb") as file:
            return [line for _, line in _whole_lines(file)]
    except FileNotFoundError:
        return []


def _whole_lines(file: IO[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each line as it is and as JSON, up to the first half-written one."""
    for line in file:
        try:
            record = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            return
        if not isinstance(record, dict) or "step" not in record:
            return
        yield line, record
