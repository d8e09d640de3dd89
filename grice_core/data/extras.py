"""Fields that we don't know, kept as they came.

Values of one simple type stay a column of that type. Anything else from JSON (objects, lists, values of
several types) is kept as JSON text in a column of Arrow's JSON type, so that each row comes out as it
went in. A null counts as a field that is not there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from grice_core.data.batches import Column
from grice_core.data.json_column import JSON_TYPE, decoded, json_array

_SIMPLE: dict[type, pa.DataType] = {
    str: pa.large_string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}


def extra_array(column: Column) -> pa.Array:
    """A column as an Arrow array that gives back every value."""
    if not isinstance(column, list):
        return column
    kinds = set(map(type, column)) - {type(None)}
    if not kinds:
        return pa.nulls(len(column))
    simple = _SIMPLE.get(kinds.pop()) if len(kinds) == 1 else None
    if simple is not None:
        try:
            return pa.array(column, simple)
        except (pa.ArrowException, OverflowError, UnicodeEncodeError):
            pass  # an integer beyond 64 bits, or half a surrogate pair
    return json_array(column)


def extra_rows(extras: pa.Table) -> list[dict[str, Any]]:
    """The extras as one dictionary per row, JSON decoded, nulls left out."""
    columns = {name: decoded(extras.column(name)) for name in extras.column_names}
    return [
        {name: values[row] for name, values in columns.items() if values[row] is not None}
        for row in range(extras.num_rows)
    ]


def join_extras(parts: Sequence[Mapping[str, pa.Array]], lengths: Sequence[int]) -> pa.Table:
    """One table from the extras of successive batches, which may differ in names and types."""
    names = dict.fromkeys(name for part in parts for name in part)
    columns = {
        name: _joined([part.get(name, pa.nulls(n)) for part, n in zip(parts, lengths, strict=True)])
        for name in names
    }
    if columns:
        return pa.table(columns)
    return no_extras(sum(lengths))


def no_extras(num_rows: int) -> pa.Table:
    """A table of so many rows and no columns."""
    return pa.table({"row": np.zeros(num_rows, dtype=np.int8)}).select([])


def _joined(arrays: list[pa.Array]) -> pa.ChunkedArray:
    kinds = {array.type for array in arrays if not pa.types.is_null(array.type)}
    if len(kinds) > 1:
        arrays = [json_array(decoded(array)) for array in arrays]
        kinds = {JSON_TYPE}
    kind = kinds.pop() if kinds else pa.null()
    same = [pa.nulls(len(array), kind) if array.type != kind else array for array in arrays]
    return pa.chunked_array(same, kind)
