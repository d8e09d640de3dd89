"""What a file holds and where, for a user who says which field is what."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grice_core.data.layouts.base import Sample
from grice_core.data.layouts.conversion import sample_of
from grice_core.data.places import find
from grice_core.data.readers import read_batches
from grice_core.errors import DataError
from grice_core.progress import silent

_MAX_DEPTH = 4
_MAX_ITEMS = 4
"""Of a list that are offered."""
_MAX_PATHS = 200


@dataclass(frozen=True)
class PathInFile:
    """A place in the rows of a file."""

    path: str
    """As a mapping takes it: `output.0`."""
    example: Any
    """What the first row that has something has there."""

    @property
    def is_number(self) -> bool:
        """Whether a score could stand there."""
        if isinstance(self.example, str):
            return self.example.strip().replace(".", "", 1).replace(",", "", 1).isdecimal()
        return isinstance(self.example, int | float) and not isinstance(self.example, bool)


def sample_file(path: Path) -> Sample:
    """The first rows of a file, or of a folder's files.

    Raises:
        DataError: it can't be read, or holds no rows.
    """
    source = find(path)
    batch = next(read_batches(source, silent), None)
    if batch is None:
        raise DataError(f"{source.name} holds no rows")
    return sample_of(batch)


def paths_in(sample: Sample) -> list[PathInFile]:
    """Everything that can be mapped, fields in alphabetical order, what is inside behind them."""
    found: dict[str, Any] = {}
    for row in sample.rows:
        for path, value in _walk("", row, 0):
            found.setdefault(path, value)
    return [PathInFile(path, found[path]) for path in sorted(found)[:_MAX_PATHS]]


def _walk(before: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Every path of a value, and what stands there."""
    if before:
        yield before, value
    if depth == _MAX_DEPTH:
        return
    if isinstance(value, dict):
        items = [(str(key), inner) for key, inner in value.items()]
    else:
        first = value[:_MAX_ITEMS] if isinstance(value, list) else []
        items = [(str(place), inner) for place, inner in enumerate(first)]
    for key, inner in items:
        yield from _walk(f"{before}.{key}" if before else key, inner, depth + 1)
