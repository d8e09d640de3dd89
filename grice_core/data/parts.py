"""A file's batches, each with its usable rows taken apart from the others, and their join."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from grice_core.data.batches import Batch
from grice_core.data.extras import join_extras
from grice_core.data.json_column import JSON_TYPE, dump_leniently
from grice_core.data.pairs import TEXT_FIELDS, BoolArray, FloatArray, IntArray, PairTable
from grice_core.data.parse import parse_rows
from grice_core.data.report import ProblemKind
from grice_core.data.spool import Spool
from grice_core.data.text_hashes import HashArray, text_hashes

_UNUSABLE = pa.schema(
    {"row": pa.int64(), "codes": pa.list_(pa.string()), "content": pa.large_string()}
)


_TEXT, _EXTRA, _MESSAGES = "text ", "extra ", "messages"


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of one batch, without its texts; U of its rows are usable."""

    scores: FloatArray
    """(U, 2, 4): chosen and rejected, the maxims."""
    rows: IntArray
    """(U,) 1-based row in the file."""
    hashes: dict[str, HashArray]
    """(U, 2) per text field."""
    warning_rows: dict[ProblemKind, IntArray]
    """For every kind of warning that the pairs don't show, the usable rows that it is about."""
    error_rows: dict[ProblemKind, IntArray]
    """For every kind of error, the rows that have it."""
    num_unusable: int
    fields: set[str]
    """Text fields of which some row has a text."""
    extras: tuple[str, ...]
    """Names of the further fields."""
    num_extra_cells: int
    """Of the usable rows: those that stand in the file, be they empty."""


@dataclass(frozen=True, eq=False)
class PartColumns:
    """The texts of a part, and whatever else takes memory."""

    texts: dict[str, pa.Array]
    """(U,) each."""
    messages: pa.Array | None
    """(U,) conversations as JSON; `None` = there are none."""
    extras: dict[str, pa.Array]
    """(U,) each."""
    unusable: pa.Table
    """The other rows: `row`, `codes` of their errors, `content` as JSON text."""

    def put_aside(self, spool: Spool) -> None:
        """Add two tables to a spool, which `of_tables` puts together again."""
        columns = {_TEXT + name: column for name, column in self.texts.items()}
        columns |= {_EXTRA + name: column for name, column in self.extras.items()}
        if self.messages is not None:
            columns[_MESSAGES] = self.messages
        spool.add(pa.table(columns))
        spool.add(self.unusable)

    @classmethod
    def of_tables(cls, usable: pa.Table, unusable: pa.Table) -> Self:
        columns = dict(zip(usable.column_names, map(_whole, usable.columns), strict=True))
        return cls(
            texts=_named(_TEXT, columns),
            messages=columns.get(_MESSAGES),
            extras=_named(_EXTRA, columns),
            unusable=unusable,
        )


def spooled(spool: Spool) -> list[PartColumns]:
    """The columns of all parts that were put aside."""
    tables = spool.tables()
    return list(map(PartColumns.of_tables, tables[::2], tables[1::2]))


def _named(beginning: str, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    return {
        name.removeprefix(beginning): column
        for name, column in columns.items()
        if name.startswith(beginning)
    }


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column of one part, which is one chunk, or none where it has no rows."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def take_apart(batch: Batch, num_before: int) -> tuple[Part, PartColumns]:
    """Parse a batch that `num_before` rows come before.

    Raises:
        DataError: score objects have too many different keys.
        NestingError: values are nested too deeply.
    """
    parsed = parse_rows(batch)
    usable = parsed.usable
    rows = batch.row_numbers
    if rows is None:
        rows = np.arange(num_before + 1, num_before + 1 + batch.num_rows)
    columns = PartColumns(
        texts=_rows_of(parsed.texts, usable),
        messages=None if parsed.messages is None else parsed.messages.filter(usable),
        extras=_rows_of(parsed.extras, usable),
        unusable=_unusable(batch, rows, parsed.errors),
    )
    part = Part(
        scores=parsed.scores[usable],
        rows=rows[usable],
        hashes={field: text_hashes(texts) for field, texts in columns.texts.items()},
        warning_rows={kind: rows[mask & usable] for kind, mask in parsed.warnings.items()},
        error_rows={kind: rows[mask] for kind, mask in parsed.errors.items()},
        num_unusable=columns.unusable.num_rows,
        fields={
            field for field, texts in parsed.texts.items() if texts.null_count < batch.num_rows
        },
        extras=tuple(columns.extras),
        num_extra_cells=sum(
            len(column)
            - (0 if isinstance(batch.columns.get(name), pa.Array) else column.null_count)
            for name, column in columns.extras.items()
        ),
    )
    return part, columns


def _rows_of(columns: dict[str, pa.Array], mask: BoolArray) -> dict[str, pa.Array]:
    """The columns where the mask holds; not copied where it always does."""
    if mask.all():
        return columns
    return {name: column.filter(mask) for name, column in columns.items()}


def join_parts(parts: Sequence[Part], columns: Sequence[PartColumns]) -> PairTable:
    """The usable rows of all parts, of which there is at least one."""
    lengths = [len(part.rows) for part in parts]
    return PairTable(
        texts=pa.table(
            {
                field: pa.chunked_array([each.texts[field] for each in columns])
                for field in TEXT_FIELDS
            }
        ),
        chosen_scores=np.concatenate([part.scores[:, 0] for part in parts]),
        rejected_scores=np.concatenate([part.scores[:, 1] for part in parts]),
        rows=np.concatenate([part.rows for part in parts]),
        extras=join_extras([each.extras for each in columns], lengths),
        messages=_join_messages(columns),
    )


def join_hashes(parts: Sequence[Part]) -> dict[str, HashArray]:
    """(N, 2) per text field, of all parts."""
    return {field: np.concatenate([part.hashes[field] for part in parts]) for field in TEXT_FIELDS}


def _join_messages(columns: Sequence[PartColumns]) -> pa.ChunkedArray | None:
    if all(each.messages is None for each in columns):
        return None
    arrays = (
        pa.nulls(len(each.texts["prompt"]), JSON_TYPE) if each.messages is None else each.messages
        for each in columns
    )
    return pa.chunked_array(arrays, JSON_TYPE)


def unusable_rows(columns: Sequence[PartColumns]) -> pa.Table:
    """The other rows of all parts: columns `row`, `codes`, `content`."""
    return pa.concat_tables([_UNUSABLE.empty_table(), *(each.unusable for each in columns)])


def _unusable(batch: Batch, rows: IntArray, errors: dict[ProblemKind, BoolArray]) -> pa.Table:
    """Of N rows with these numbers, those that have an error."""
    masks = np.stack(list(errors.values()), axis=1)
    indices = np.flatnonzero(masks.any(axis=1))
    if not len(indices):
        return _UNUSABLE.empty_table()
    combinations, which = np.unique(masks[indices], axis=0, return_inverse=True)
    codes = [
        [kind.code for kind, has_it in zip(errors, combination, strict=True) if has_it]
        for combination in combinations
    ]
    contents = [dump_leniently(row) for row in batch.rows(indices)]
    columns = [rows[indices], pa.array(codes, _UNUSABLE.field("codes").type).take(which), contents]
    return pa.table(columns, _UNUSABLE)
