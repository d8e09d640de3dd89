"""Excel workbooks: the first sheet that holds something, its first row the names of the columns."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from grice_core.data.batches import ROWS_PER_BATCH, Batch, Column
from grice_core.data.bounds import check_fields, shortened
from grice_core.data.source import BLOCK_SIZE, Source
from grice_core.errors import DataError
from grice_core.progress import Progress

_CELL = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*\s)?r="([A-Z]{1,3})(\d{1,7})"')
_EMPTY_CELLS = 5_000_000
_EMPTY_PER_FILLED = 10


def read_excel(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a workbook; numbers are numbers, dates are text, an empty cell is no value."""
    if source.compression:
        raise DataError(f"{source.name} is a compressed Excel file; unpack it")
    try:
        _check_cost(source)
        sheet = _sheet(CalamineWorkbook.from_path(source.path))
        rows = sheet.to_python(skip_empty_area=True) if sheet is not None else []
    except (CalamineError, BadZipFile, OSError) as error:
        raise DataError(
            f"{source.name} is not a complete Excel file ({error}); copy or save it again"
        ) from error
    if not rows:
        raise DataError(f"{source.name} holds no rows")
    names = _names(source, rows[0])
    for start in range(1, len(rows), ROWS_PER_BATCH):
        cells = zip(*rows[start : start + ROWS_PER_BATCH], strict=True)
        columns: dict[str, Column] = {
            name: list(map(_value, column))
            for name, column in zip(names, cells, strict=True)
            if name
        }
        num_rows = len(rows[start : start + ROWS_PER_BATCH])
        yield Batch(columns, num_rows)
        progress(f"read {source.name}", start + num_rows, len(rows))


def _check_cost(source: Source) -> None:
    """Look at what the archive unpacks to, and where its cells lie: all between them take memory."""
    with ZipFile(source.path) as archive:
        members = archive.infolist()
        source.limits.check(source.name, sum(one.file_size for one in members), source.size)
        for member in members:
            if not member.filename.endswith(".xml"):
                continue
            with archive.open(member) as sheet:
                _check_cells(source, iter(lambda: sheet.read(BLOCK_SIZE), b""))


def _check_cells(source: Source, blocks: Iterator[bytes]) -> None:
    num_filled = height = 0
    letters: set[bytes] = {b"A"}
    begun = b""
    for block in blocks:
        places = _CELL.findall(begun + block)
        begun = block[-64:]
        num_filled += len(places)
        letters.update(letter for letter, _ in places)
        height = max(height, max((int(row) for _, row in places), default=0))
    num_empty = max(map(_column_number, letters)) * height - num_filled
    if num_empty > _EMPTY_CELLS + _EMPTY_PER_FILLED * num_filled:
        raise DataError(
            f"{source.name} has cells so far apart that millions lie empty between them; "
            "delete what does not belong to the table"
        )


def _column_number(letters: bytes) -> int:
    """`A` → 1, `AA` → 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _sheet(workbook: CalamineWorkbook) -> CalamineSheet | None:
    sheets = map(workbook.get_sheet_by_name, workbook.sheet_names)
    return next((sheet for sheet in sheets if sheet.total_height), None)


def _names(source: Source, header: list[Any]) -> list[str]:
    names = ["" if name is None else str(name).strip() for name in header]
    named = [name for name in names if name]
    check_fields(source.name, named)
    doubled = sorted({name for name in named if named.count(name) > 1})
    if doubled:
        raise DataError(
            f"{source.name} has two columns named {shortened(doubled[0])!r}; rename one"
        )
    return names


def _value(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell or None
    return str(cell) if isinstance(cell, date | time | timedelta) else cell
