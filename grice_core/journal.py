"""Work on disk as it is done, so that a killed run continues where it was."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from grice_core.errors import OutputError
from grice_core.files import open_to_append

Entry = dict[str, Any]


class Journal(ABC):
    """An append-only file: a line with the key of the work, then one line per entry.

    It is a context manager. A line that a crash left half written is dropped, and a journal of other
    work (another key) started anew.

    Raises:
        OutputError: another process writes to it, or it can't be written.
    """

    def __init__(self, path: Path, key: str):
        self.path = path
        self._key = key
        self._file: IO[bytes]

    def __enter__(self) -> Self:
        self._file = open_to_append(self.path)
        try:
            self._take_over()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @abstractmethod
    def take(self, entry: Entry) -> None:
        """Learn of an entry that an earlier run of the same work left."""

    def take_all(self, entries: Sequence[Entry]) -> None:
        """Take over what other work has left, as if it were this one's.

        Raises: OutputError.
        """
        self.write(entries)
        for entry in entries:
            self.take(entry)

    def write(self, entries: Iterable[Entry]) -> None:
        """Append entries and force them to disk.

        Raises: OutputError.
        """
        try:
            self._file.write(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path} can't be written: {error.strerror}") from error

    def remove(self) -> None:
        """Delete the file: what it holds stands elsewhere now."""
        self.path.unlink(missing_ok=True)

    def _take_over(self) -> None:
        """Read what an earlier run of the same work left, and cut off what can't be used."""
        self._file.seek(0)
        good = 0
        for number, line in enumerate(self._file):
            entry = _parse(line)
            if entry is None or (number == 0 and entry.get("key") != self._key):
                break
            if number > 0:
                self.take(entry)
            good += len(line)
        self._file.truncate(good)
        if good == 0:
            self.write([{"key": self._key}])


def _parse(line: bytes) -> Entry | None:
    """A whole line's object; None if it was cut off."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
