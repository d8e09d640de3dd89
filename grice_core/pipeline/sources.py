"""Where a pipeline's pairs and prompts come from: a user's file, or one that was stored before."""

from dataclasses import dataclass
from pathlib import Path

from grice_core.data.columnar import read_pairs
from grice_core.data.layouts.opening import BY_LOOKS, Reading
from grice_core.data.load import Prompts, load_pairs, load_prompts
from grice_core.data.pairs import PairTable
from grice_core.progress import Progress


@dataclass(frozen=True)
class StoredPairs:
    """The usable pairs of a file that was checked when it was stored."""

    path: Path
    """As `columnar.write_pairs` wrote it."""
    name: str
    """Of the user's file."""
    sha256: str
    """Of the user's file."""
    num_rows: int
    """Of the user's file, the unusable ones included."""


@dataclass(frozen=True)
class UserFile:
    """A user's file, and how it is to be read where its looks don't tell."""

    path: Path
    reading: Reading

    def __str__(self) -> str:
        return str(self.path)


Source = Path | UserFile | StoredPairs


@dataclass(frozen=True, eq=False)
class OpenedPairs:
    """Pairs, and what is to be said about their file."""

    table: PairTable
    """The usable pairs, in file order."""
    where: str
    name: str
    sha256: str
    """Of the user's file."""
    num_rows: int
    faults: tuple[str, ...] = ()
    """Why rows were left out, one sentence each."""
    reading: Reading = BY_LOOKS
    """How the user's file was asked to be read."""
    read_as: str = ""
    """Its layout, for people; empty: it was read when it was stored."""


def open_pairs(source: Source, progress: Progress) -> OpenedPairs:
    """Read pairs.

    Raises: DataError, if the file can't be used.
    """
    if isinstance(source, StoredPairs):
        table = read_pairs(source.path)
        return OpenedPairs(table, source.name, source.name, source.sha256, source.num_rows)
    path, reading = read_as_asked(source)
    loaded = load_pairs(path, progress, reading=reading)
    faults = tuple(
        f"{_rows(problem.count)} left out: {problem.message}"
        for problem in loaded.report.problems
        if problem.severity == "error"
    )
    return OpenedPairs(
        loaded.table,
        str(path),
        path.name,
        loaded.sha256,
        loaded.report.num_rows,
        faults,
        reading,
        loaded.read_as,
    )


def open_prompts(source: Source) -> Prompts:
    """Read evaluation prompts.

    Raises: DataError, if the file can't be used.
    """
    if isinstance(source, StoredPairs):
        return Prompts.of_table(read_pairs(source.path), source.sha256)
    path, reading = read_as_asked(source)
    return load_prompts(path, reading=reading)


def read_as_asked(source: Path | UserFile) -> tuple[Path, Reading]:
    """A user's file, and how it is to be read."""
    return (source.path, source.reading) if isinstance(source, UserFile) else (source, BY_LOOKS)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
