"""A corrected copy of a file of labels, which says what it was made from; the file itself stays as it is."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grice_core.csv_text import csv_text
from grice_core.data.readers import read_batches
from grice_core.data.sniff import inspect
from grice_core.detector.label_errors import LabelErrors
from grice_core.detector.labels import load_labels
from grice_core.errors import DataError
from grice_core.files import write_json_atomic, write_text_atomic
from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import silent

Choice = Literal["keep", "flip"]
"""The label is right; it is wrong."""
CORRECTIONS, CONFIRMED = "label_corrections", "labels_confirmed"
"""Fields of a corrected copy's rows: what was changed, and which labels were looked at and kept."""
_COLUMNS = ("maxim", "row", "label", "probability", "likely", "decision")
_TEXTS = ("context", "evidence", "response")
_VERSION = re.compile(r" v(\d+)$")


@dataclass(frozen=True)
class Decision:
    """What a person says of one label."""

    row: int
    """1-based, in the labels' file."""
    maxim: Maxim
    choice: Choice
    by: str = ""
    """Who says so; empty where that is not known."""


def write_corrected(
    labels: Path, decisions: Iterable[Decision], out: Path, *, name: str = ""
) -> int:
    """Write all rows as JSON, those labels flipped; returns how many were.

    A row says which of its labels were changed, what they were, by whom, and in which file (name and
    SHA-256); and which were looked at and kept.

    Raises:
        DataError: the file can't be read, or has no such row.
        OutputError: the copy can't be written.
    """
    sha256 = load_labels(labels).sha256  # what can't be read as labels is refused first
    rows = _rows(labels)
    source = {"file": name or labels.name, "sha256": sha256}
    num_flipped = 0
    for decision in decisions:
        if not 1 <= decision.row <= len(rows):
            raise DataError(
                f"{labels.name} has no row {decision.row:,}: give decisions on this file"
            )
        row = rows[decision.row - 1]
        if decision.choice == "flip":
            was = _flip(row, decision.maxim)
            by = {"by": decision.by} if decision.by else {}
            row.setdefault(CORRECTIONS, {})[decision.maxim.value] = {"was": was, **source, **by}
            num_flipped += 1
        elif decision.maxim not in row.setdefault(CONFIRMED, []):
            row[CONFIRMED].append(decision.maxim.value)
    write_json_atomic(out, rows)
    return num_flipped


def looked_at(labels: Path) -> frozenset[tuple[int, Maxim]]:
    """The labels that a corrected copy says were flipped or confirmed, by row and maxim.

    Raises:
        DataError: the file can't be read.
    """
    return frozenset(
        (number, maxim)
        for number, row in enumerate(_rows(labels), 1)
        for field in (CORRECTIONS, CONFIRMED)
        for maxim in MAXIMS
        if maxim.value in (row.get(field) or ())
    )


def _rows(labels: Path) -> list[dict[str, Any]]:
    batches = read_batches(inspect(labels), silent)
    return [batch.row(index) for batch in batches for index in range(batch.num_rows)]


def _flip(row: dict[str, Any], maxim: Maxim) -> int:
    """Turn a label over, wherever it stands; returns what it was."""
    nested = row.get("labels")
    if isinstance(nested, Mapping):
        row["labels"] = labels = dict(nested)
    else:
        labels = row
    field = maxim.value if labels.get(maxim) is not None else f"{maxim}_violation"
    was = int(str(labels[field]).strip().lower() in {"1", "1.0", "true"})
    labels[field] = 1 - was
    return was


def next_version(name: str) -> str:
    """What a corrected copy is called: `labels.csv` → `labels v2.json` → `labels v3.json`."""
    stem = Path(name).stem
    found = _VERSION.search(stem)
    number = int(found[1]) + 1 if found else 2
    return f"{_VERSION.sub('', stem)} v{number}.json"


def write_ranking(out: Path, errors: LabelErrors) -> None:
    """The ranked labels as CSV with an empty column `decision`, to be filled in."""
    rows = (
        (
            one.maxim.value,
            one.row,
            int(one.violated),
            f"{one.probability:.4f}",
            int(one.likely),
            "",
            one.text.context,
            one.text.evidence or "",
            one.text.response,
        )
        for one in errors.ranked
    )
    write_text_atomic(out, csv_text((*_COLUMNS, *_TEXTS), rows))


def read_decisions(path: Path) -> list[Decision]:
    """The filled-in lines of such a file; empty ones and `skip` decide nothing.

    Raises:
        DataError: it can't be read, or a line says something else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} can't be read: {error}") from None
    decisions = (
        _decision(line, f"{path}: line {number:,}") for number, line in enumerate(lines, 2)
    )
    return [decision for decision in decisions if decision is not None]


def _decision(line: Mapping[str, Any], where: str) -> Decision | None:
    choice = (line.get("decision") or "").strip().lower()
    if choice in ("", "skip"):
        return None
    row, maxim = str(line.get("row") or ""), line.get("maxim")
    if choice not in ("keep", "flip") or not row.isdecimal() or maxim not in set(MAXIMS):
        raise DataError(f"{where}: give row, maxim, and keep, flip or skip as decision")
    return Decision(int(row), Maxim(maxim), "flip" if choice == "flip" else "keep")
