"""CSV for spreadsheets: what they would take for a formula stands behind a quotation mark."""

import csv
import io
from collections.abc import Iterable, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with its header; `original` gives a cell's text back."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_defused(value) for value in row] for row in rows)
    return file.getvalue()


def original(cell: str) -> str:
    """The text that `csv_text` wrote into a cell."""
    return cell.removeprefix(_MARK) if _is_marked(cell) else cell


def _defused(value: object) -> object:
    # A text that looks as if it were marked is marked, too: or `original` would take its mark away.
    if isinstance(value, str) and (value.startswith(_BEGINS_A_FORMULA) or _is_marked(value)):
        return _MARK + value
    return value


def _is_marked(text: str) -> bool:
    return text.startswith(_MARK) and text.lstrip(_MARK).startswith(_BEGINS_A_FORMULA)
