"""Scores on disk as they are made, so that a killed scoring run goes on where it was."""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from grice_core.errors import OutputError


@dataclass(frozen=True)
class PairScores:
    """What a detector says about one pair."""

    chosen: tuple[float, ...]
    """Four violation probabilities in the order of `MAXIMS`."""
    rejected: tuple[float, ...]
    cut: bool
    """Whether one of the responses was longer than the detector can read."""


class ScoreJournal:
    """An append-only file: a line with the key of the work, then one line per scored pair.

    It is a context manager. `done` maps a pair's index to its scores; a line that a crash left
    half written is dropped, and a journal of other work (another detector, other data) started anew.

    Raises:
        OutputError: another process writes to it, or it can't be written.
    """

    def __init__(self, path: Path, key: str):
        self.path = path
        self.done: dict[int, PairScores] = {}
        self._key = key
        self._file: IO[bytes]

    def __enter__(self) -> Self:
        try:
            self._file = self.path.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise OutputError(
                f"{self.path} is being written by another run; wait for it, or name another --out"
            ) from error
        except OSError as error:
            raise OutputError(f"{self.path} can't be written: {error.strerror}") from error
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

    def append(self, scores: Mapping[int, PairScores]) -> None:
        """Write pairs' scores and force them to disk."""
        self.done.update(scores)
        self._write({"pair": index, **vars(one)} for index, one in scores.items())

    def remove(self) -> None:
        """Delete the file: its scores stand elsewhere now."""
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
                scores = tuple(entry["chosen"]), tuple(entry["rejected"])
                self.done[entry["pair"]] = PairScores(*scores, cut=entry["cut"])
            good += len(line)
        self._file.truncate(good)
        if good == 0:
            self._write([{"key": self._key}])

    def _write(self, entries: Iterable[dict[str, Any]]) -> None:
        self._file.write(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
        self._file.flush()
        os.fsync(self._file.fileno())


def _parse(line: bytes) -> dict[str, Any] | None:
    """A whole line's object; None if it was cut off."""
    try:
        entry = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
