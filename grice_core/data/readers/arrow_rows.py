"""Rows that a library reads as Arrow's record batches, of any size, made into ours."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.batches import ROWS_PER_BATCH, Batch, Column, is_text
from grice_core.data.bounds import MAX_FIELDS, shortened
from grice_core.data.json_column import decoded
from grice_core.data.source import MIB, Source
from grice_core.errors import DataError

_BYTES_PER_TEXT = 8
"""Where it begins stands beside it."""
_FEW_ROWS = ROWS_PER_BATCH // 2
BATCH_BYTES = 16 * MIB
"""Of texts, written out, in batches of fewer rows."""


def rows_of(source: Source, batches: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
    """Batches of a handy number of rows.

    Raises:
        DataError: they hold more than the limits allow, or text that is not UTF-8.
    """
    waiting: list[pa.RecordBatch] = []
    num_bytes = num_rows = num_waiting = bytes_waiting = 0
    for whole in batches:
        for start in range(0, whole.num_rows, ROWS_PER_BATCH):
            batch = whole.slice(start, ROWS_PER_BATCH)
            _check_valid(source.name, batch, num_rows + 1)
            size = sum(map(_plain_size, batch.columns))
            num_bytes += size
            source.limits.check(source.name, num_bytes, source.size)
            waiting.append(_plain(batch))
            num_rows += batch.num_rows
            num_waiting += batch.num_rows
            bytes_waiting += size
            if num_waiting >= _FEW_ROWS or bytes_waiting >= BATCH_BYTES:
                yield from _joined(waiting)
                waiting, num_waiting, bytes_waiting = [], 0, 0
    yield from _joined(waiting)


def check_columns(source: Source, names: list[str], num_leaves: int) -> None:
    """Look at a file's columns before anything is read.

    Args:
        num_leaves: columns as they lie in the file, where an object has one for each of its fields.

    Raises:
        DataError: there are too many, or two of the same name.
    """
    if max(len(names), num_leaves) > MAX_FIELDS:
        raise DataError(
            f"{source.name} has more than {MAX_FIELDS:,} different fields, those inside objects "
            "included; keep those that a pair needs"
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(
            f"{source.name} has two columns named {shortened(doubled[0])!r}; rename one"
        )


def _joined(batches: list[pa.RecordBatch]) -> Iterator[Batch]:
    """One batch of many small ones; not copied if it is one already."""
    if batches:
        whole = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
        columns: dict[str, Column] = {
            name: _values(column)
            for name, column in zip(whole.schema.names, whole.columns, strict=True)
        }
        yield Batch(columns, whole.num_rows)


def _plain_size(column: pa.Array) -> int:
    """Bytes of a column once its dictionary is written out."""
    if not _is_dictionary_of_texts(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    return int(pc.sum(lengths).as_py() or 0) + _BYTES_PER_TEXT * len(column)


def _check_valid(name: str, batch: pa.RecordBatch, first_row: int) -> None:
    """Arrow takes any bytes for text, and any numbers for places, until something looks at them."""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        fault = _fault(column)
        if not fault:
            continue
        where = shortened(field.name)
        if "UTF8" not in fault:
            raise DataError(f"{name} is damaged in the column {where!r}; copy or write it again")
        plain = _without_dictionary(column)
        row = next(row for row in range(len(column)) if _fault(plain.take([row])))
        raise DataError(
            f"{name}: row {first_row + row:,} has text in the column {where!r} that is not UTF-8; "
            "write it again as UTF-8"
        )


def _fault(column: pa.Array) -> str:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        return str(error)
    return ""


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch(list(map(_without_dictionary, batch.columns)), batch.schema.names)


def _without_dictionary(column: pa.Array) -> pa.Array:
    if _is_dictionary_of_texts(column.type):
        return column.dictionary.cast(pa.large_string()).take(column.indices)
    if pa.types.is_string_view(column.type):  # as polars writes it; Arrow computes little with it
        return column.cast(pa.large_string())
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _values(column: pa.Array) -> Column:
    is_json = isinstance(column.type, pa.JsonType)  # `datasets`' Json(), DuckDB's JSON
    return decoded(column) if is_json else column


def _is_dictionary_of_texts(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) and is_text(kind.value_type))
