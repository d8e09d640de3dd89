"""CSV with a header; cells may hold line breaks and JSON objects."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain

import pyarrow as pa
from pyarrow import csv as arrow_csv

from grice_core.data.batches import ROWS_PER_BATCH, Batch
from grice_core.data.bounds import check_fields, shortened
from grice_core.data.encoding import not_utf8
from grice_core.data.fields import TEXT_SPELLINGS
from grice_core.data.source import MIB, Source, UnpackedStream, format_bytes
from grice_core.errors import DataError
from grice_core.progress import Progress

_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_HEADER_SIZE = MIB
_BLOCK_SIZE = 4 * MIB
"""Rows that are longer have to be read again in blocks of which each takes many times the memory."""
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_KNOWN = frozenset(chain.from_iterable(TEXT_SPELLINGS.values()))


def read_csv(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a CSV file, every cell as text; an empty cell is no value, `""` an empty text."""
    names, delimiter = _header(source)
    for batch in _record_batches(source, names, delimiter, progress):
        for start in range(0, batch.num_rows, ROWS_PER_BATCH):
            piece = batch.slice(start, ROWS_PER_BATCH)
            columns = dict(zip(names, piece.columns, strict=True))
            yield Batch(columns, piece.num_rows, textual=True)


def _record_batches(
    source: Source, names: list[str], delimiter: str, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Blocks as Arrow parses them; from the first row that does not fit into a small one in large ones."""
    num_rows = 0
    longest = source.limits.max_line_bytes
    for block_size in (min(_BLOCK_SIZE, longest), longest):
        try:
            for batch in _parsed(source, names, delimiter, progress, block_size, num_rows):
                num_rows += batch.num_rows
                yield batch
        except pa.ArrowInvalid as error:
            if block_size < longest and "straddl" in str(error):
                continue
            raise _explain(source, error, delimiter) from error
        return


def _parsed(
    source: Source,
    names: list[str],
    delimiter: str,
    progress: Progress,
    block_size: int,
    num_before: int,
) -> Iterator[pa.RecordBatch]:
    """The record batches after so many rows."""
    with source.open() as stream:
        counted = _QuoteCounter(stream)
        for batch in _open(counted, delimiter, names, source, block_size, num_before):
            yield batch
            progress(f"read {source.name}", stream.num_packed, stream.packed_size)
    if counted.num_quotes % 2:
        _check_quotes(source)


def _open(
    stream: io.RawIOBase,
    delimiter: str,
    names: list[str],
    source: Source,
    block_size: int,
    num_before: int,
) -> arrow_csv.CSVStreamingReader:
    """Arrow's reader, on one thread: only then does it know row numbers."""
    reader = arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(
            block_size=block_size, use_threads=False, skip_rows_after_names=num_before
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    if reader.schema.names != names:
        raise _bad_header(source)
    return reader


def _header(source: Source) -> tuple[list[str], str]:
    """The column names and what separates them; refuses what would be misread silently."""
    with source.open() as stream:
        head = stream.read(_HEADER_SIZE)
    line = head.split(b"\n", 1)[0].removesuffix(b"\r")
    if b"\r" in line:
        if b"\n" in head:
            raise DataError(
                f"{source.name} has a stray carriage return in its header line; "
                "save it again with one kind of line ending"
            )
        line = line.split(b"\r", 1)[0]
    try:
        names, delimiter = _split(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    except csv.Error as error:
        raise _bad_header(source) from error
    check_fields(source.name, names)
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(
            f"{source.name} has two columns named {shortened(doubled[0])!r}; rename one"
        )
    return names, delimiter


def _split(header: str) -> tuple[list[str], str]:
    """Column names and the delimiter under which most of them are known; a comma where none are.

    Spreadsheets write semicolons where the comma is the decimal sign.
    """
    csv.field_size_limit(_HEADER_SIZE)  # what is long is refused later, by its number of columns
    found = [
        (next(csv.reader([header], delimiter=delimiter), []), delimiter)
        for delimiter in _DELIMITERS
    ]
    return max(found, key=lambda split: len(_KNOWN.intersection(split[0])))


def _bad_header(source: Source) -> DataError:
    return DataError(
        f"{source.name} has a header that is not one line of column names; "
        "write all names, without line breaks, in the first line"
    )


class _QuoteCounter(io.RawIOBase):
    """Passes a stream through and counts its quotation marks."""

    def __init__(self, stream: UnpackedStream) -> None:
        self._stream = stream
        self.num_quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self.num_quotes += block.count(b'"')
        return block


def _check_quotes(source: Source) -> None:
    """Refuse a quoted cell that is never closed: Arrow takes all the rest for that cell's text."""
    csv.field_size_limit(source.limits.max_line_bytes)
    with source.open() as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), "utf-8", errors="replace", newline="")
        reader = csv.reader(text, strict=True)
        started = 1
        try:
            for _ in reader:
                started = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{source.name}: a quotation mark of the row that starts in line {started:,} is not "
                "closed; close it, or copy the file again if it is cut off"
            ) from error


def _explain(source: Source, error: pa.ArrowInvalid, delimiter: str) -> DataError:
    reason = str(error).splitlines()[0]
    if ragged := _RAGGED.search(reason):
        _check_quotes(source)
        row, expected, got = (int(number) for number in ragged.groups())
        return DataError(
            f"{source.name}: row {row - 1:,} has {got} cells where the header has {expected}; "
            f"quote cells that hold {_DELIMITERS[delimiter]} or line breaks"
        )
    if "straddl" in reason:
        limit = format_bytes(source.limits.max_line_bytes)
        return DataError(f"{source.name} has a row of more than {limit}; is a quote not closed?")
    if "UTF8" in reason:
        return not_utf8(source)
    if "Empty CSV" in reason:
        return DataError(f"{source.name} holds no rows, only a header")
    return DataError(f"{source.name} is not valid CSV ({reason})")
