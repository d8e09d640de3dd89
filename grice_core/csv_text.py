"""CSV for spreadsheets: what they would take for a formula stands behind a quotation mark."""

import csv
import io
from collections.abc import Iterable, Sequence

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with its header; `original` gives a cell's text back."""
    file = io.StringIO()
    plain = csv.writer(file, lineterminator="\n")
    # Of line ends, Python before 3.13 sets in quotation marks only those that the table has itself.
    careful = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows:
        cells = [_defused(value) for value in row]
        has_return = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (careful if has_return else plain).writerow(cells)
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
