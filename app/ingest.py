"""From a file to a data set: checked, laid out as columns, stored once per content."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.studio import Studio
from grice_core.data.columnar import write_pairs
from grice_core.data.load import LoadedPairs, load_pairs
from grice_core.errors import DataError
from grice_core.progress import Progress, silent
from grice_core.store import data_sets
from grice_core.store.data_sets import DataSetDraft

MAX_BAD_ROWS = 200
_MAX_BAD_CHARACTERS = 300
"""How much of an unusable row is kept with the report."""


@dataclass(frozen=True)
class Ingested:
    """What became of a file."""

    data_set_id: int
    known_before: bool
    """The same content had been stored already, perhaps under another name."""


def ingest(studio: Studio, path: Path, name: str, progress: Progress = silent) -> Ingested:
    """Store the pairs of a file under a name.

    Raises:
        DataError: the file can't be used, or no row of it; nothing was stored.
    """
    with path.open("rb") as file:
        known = data_sets.with_content(
            studio.database, hashlib.file_digest(file, "sha256").hexdigest()
        )
    if known is not None:
        return Ingested(known.id, known_before=True)
    loaded = load_pairs(path, progress)
    if not len(loaded.table):
        worst = max(loaded.report.errors, key=lambda problem: problem.count)
        raise DataError(
            f"{name} has no usable row: in {worst.count:,} of {loaded.report.num_rows:,} rows "
            f"{worst.message}; {worst.fix}"
        )
    progress("storing", 0, 1)
    data_set_id = _store(studio, loaded, name)
    progress("storing", 1, 1)
    return Ingested(data_set_id, known_before=False)


def _store(studio: Studio, loaded: LoadedPairs, name: str) -> int:
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        path = Path(folder) / "pairs.parquet"
        write_pairs(path, loaded.table)
        address = studio.artifacts.put_file(path)
    draft = DataSetDraft(
        name=name,
        sha256=loaded.sha256,
        pairs=address,
        num_rows=loaded.report.num_rows,
        num_usable=loaded.report.num_usable,
        num_scored=loaded.report.num_scored,
        report=_report(loaded),
    )
    return data_sets.add(studio.database, draft)


def _report(loaded: LoadedPairs) -> dict[str, Any]:
    bad_rows = loaded.unusable.slice(0, MAX_BAD_ROWS).to_pylist()
    for row in bad_rows:
        row["content"] = row["content"][:_MAX_BAD_CHARACTERS]
    return loaded.report.as_json() | {"notes": list(loaded.notes), "bad_rows": bad_rows}
