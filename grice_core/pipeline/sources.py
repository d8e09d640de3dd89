"""Where a pipeline's pairs and prompts come from: a user's file, or one that was stored before."""

from dataclasses import dataclass
from pathlib import Path

from grice_core.data.columnar import read_pairs
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


Source = Path | StoredPairs


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


def open_pairs(source: Source, progress: Progress) -> OpenedPairs:
    """Read pairs.

    Raises: DataError, if the file can't be used.
    """
    if isinstance(source, StoredPairs):
        table = read_pairs(source.path)
        return OpenedPairs(table, source.name, source.name, source.sha256, source.num_rows)
    loaded = load_pairs(source, progress)
    faults = tuple(
        f"{_rows(problem.count)} left out: {problem.message}"
        for problem in loaded.report.problems
        if problem.severity == "error"
    )
    return OpenedPairs(
        loaded.table, str(source), source.name, loaded.sha256, loaded.report.num_rows, faults
    )


def open_prompts(source: Source) -> Prompts:
    """Read evaluation prompts.

    Raises: DataError, if the file can't be used.
    """
    if isinstance(source, StoredPairs):
        return Prompts.of_table(read_pairs(source.path), source.sha256)
    return load_prompts(source)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
