"""Rows as a reader hands them on: named columns, values still as they came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from grice_core.data.bounds import check_fields
from grice_core.data.pairs import BoolArray, IntArray

ROWS_PER_BATCH = 8192
"""So many long texts, copied a few times, are little memory; what a batch costs besides is little time."""
BARE = ""
"""The name of the only column of a file that holds texts instead of objects."""

Column: TypeAlias = list[Any] | pa.Array
"""JSON gives lists of Python values (`None` = absent or null), CSV and Parquet give Arrow arrays."""


def is_text(kind: pa.DataType) -> bool:
    """Whether this is one of Arrow's types of text."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


@dataclass(frozen=True, eq=False)
class Batch:
    """N successive rows of a file."""

    columns: dict[str, Column]
    """Each of length N."""
    num_rows: int
    textual: bool = False
    """Every cell is text, numbers too (CSV)."""
    not_objects: BoolArray | None = None
    """(N,) rows that are no objects at all; `None` = there are none."""
    ties: BoolArray | None = None
    """(N,) rows that prefer neither response; `None` = there are none."""
    row_numbers: IntArray | None = None
    """(N,) 1-based row of the file that each begins at; `None` = they follow each other."""

    as_read: dict[str, Column] | None = None
    """The columns before they were taken for what pairs have; `None` = they are those."""

    def with_constants(self, values: Mapping[str, Any]) -> "Batch":
        """The same rows with further fields, except those that they have themselves."""
        further = {name: [value] * self.num_rows for name, value in values.items()}
        return replace(self, columns=further | self.columns)

    def row(self, index: int) -> dict[str, Any]:
        """The fields of one row that have a value, as they stand in the file."""
        return next(self.rows(np.array([index])))

    def rows(self, indices: IntArray) -> Iterator[dict[str, Any]]:
        """The fields of these rows that have a value, as they stand in the file."""
        as_read = self.columns if self.as_read is None else self.as_read
        columns = [
            map(column.__getitem__, indices.tolist())
            if isinstance(column, list)
            else column.take(indices).to_pylist()
            for column in as_read.values()
        ]
        if not columns:
            yield from ({} for _ in indices)
        for values in zip(*columns, strict=True):
            found = zip(as_read, values, strict=True)
            yield {name: value for name, value in found if value is not None}

    def taken_for(self, columns: dict[str, Column], ties: BoolArray | None = None) -> "Batch":
        """The same rows with other columns, made of those that were read."""
        as_read = self.columns if self.as_read is None else self.as_read
        return replace(self, columns=columns, as_read=as_read, ties=ties)


def batch_of_objects(name: str, objects: Sequence[Any]) -> Batch:
    """The columns of a list of JSON objects, in the order in which their keys first appear.

    Raises:
        DataError: the file of this name has too many different fields for so few values.
    """
    if set(map(type, objects)) == {str}:
        return Batch({BARE: list(objects)}, len(objects))
    not_objects = None
    rows: Sequence[dict[str, Any]] = objects
    if set(map(type, objects)) != {dict}:
        not_objects = np.array([not isinstance(row, dict) for row in objects])
        rows = [row if isinstance(row, dict) else {} for row in objects]
    keys = dict.fromkeys(chain.from_iterable(rows))
    check_fields(name, keys, len(rows), sum(map(len, rows)))
    columns: dict[str, Column] = {key: _values(rows, key) for key in keys}
    return Batch(columns, len(rows), not_objects=not_objects)


def _values(rows: Sequence[dict[str, Any]], key: str) -> list[Any]:
    try:
        return list(map(itemgetter(key), rows))
    except KeyError:
        return [row.get(key) for row in rows]
