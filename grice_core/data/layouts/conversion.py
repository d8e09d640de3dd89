"""Batches as a reader hands them on, turned into those fields that pairs have."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import orjson

from grice_core.data.batches import Batch, Column
from grice_core.data.conversation_column import TOOLS, json_values
from grice_core.data.layouts.base import Found, Layout, Row, Sample
from grice_core.data.literal import is_printed_by_numpy, parse_literal

_SAMPLE_SIZE = 50


def sample_of(batch: Batch) -> Sample:
    """The first rows of a batch."""
    columns = {name: json_values(column[:_SAMPLE_SIZE]) for name, column in batch.columns.items()}
    rows = rows_of(columns, min(batch.num_rows, _SAMPLE_SIZE))
    return Sample(
        frozenset(columns),
        tuple({name: opened(value) for name, value in row.items()} for row in rows),
    )


def columns_of(found: list[Found]) -> dict[str, Column]:
    """The fields of a pair, by row."""
    columns: dict[str, Column] = {
        "prompt": [one.prompt for one in found],
        "chosen": [one.chosen for one in found],
        "rejected": [one.rejected for one in found],
    }
    if any(one.tools for one in found):
        columns[TOOLS] = [one.tools or None for one in found]
    return columns


def opened(value: Any) -> Any:
    """A list or an object that is written as text, in JSON or as a Python literal; else the value itself."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(value)
    if is_printed_by_numpy(value):
        return value
    with suppress(ValueError):
        return parse_literal(value)
    return value


def rows_of_batch(batch: Batch) -> list[Row]:
    """(N,) the values of each row."""
    columns = {name: json_values(column) for name, column in batch.columns.items()}
    return rows_of(columns, batch.num_rows)


def rows_of(columns: dict[str, list[Any]], num_rows: int) -> list[Row]:
    """(N,) the values of each row, without those that are nothing."""
    names = list(columns)
    if not names:
        return [{} for _ in range(num_rows)]
    return [
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in zip(*columns.values(), strict=True)
    ]


class RowLayout(Layout):
    """A layout each row of which is a pair, or a prompt."""

    moves: ClassVar[tuple[str, ...]]
    """Fields whose content goes into the pair, so that they are no further fields."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Further fields that are looked at, and stay."""
    opens: ClassVar[tuple[str, ...]] = ()
    """Of these: lists and objects, which some formats hold as text."""

    @abstractmethod
    def found(self, row: Row) -> Found:
        """What a row says; it has the fields of `moves` and `reads` that have a value."""

    def found_in(self, sample: Sample) -> list[Found]:
        """What each row of a sample says."""
        return [self.found(row) for row in sample.rows]

    def lists(self, _sample: Sample) -> Collection[str]:
        """Those that are opened."""
        return self.opens

    def convert(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Each batch with the same rows."""
        return map(self._converted, batches)

    def _converted(self, batch: Batch) -> Batch:
        looked_at = [name for name in (*self.moves, *self.reads) if name in batch.columns]
        columns = {name: json_values(batch.columns[name]) for name in looked_at}
        for name in set(self.opens) & columns.keys():
            columns[name] = [opened(value) for value in columns[name]]
        found = [self.found(row) for row in rows_of(columns, batch.num_rows)]
        rest = {name: column for name, column in batch.columns.items() if name not in self.moves}
        ties = np.array([one.is_tie for one in found], dtype=np.bool_)
        return batch.taken_for(rest | columns_of(found), ties)
