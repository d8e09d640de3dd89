"""A file's batches, each with its usable rows taken apart from the others, and their join."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from grice_core.data.batches import Batch
from grice_core.data.extras import join_extras
from grice_core.data.json_column import JSON_TYPE, dump_leniently
from grice_core.data.pairs import TEXT_FIELDS, BoolArray, FloatArray, IntArray, PairTable
from grice_core.data.parse import parse_rows
from grice_core.data.report import ProblemKind

_UNUSABLE = pa.schema(
    {"row": pa.int64(), "codes": pa.list_(pa.string()), "content": pa.large_string()}
)


@dataclass(frozen=True, eq=False)
class Part:
    """One batch; U of its rows are usable."""

    texts: dict[str, pa.Array]
    """(U,) each."""
    scores: FloatArray
    """(U, 2, 4): chosen and rejected, the maxims."""
    rows: IntArray
    """(U,) 1-based row in the file."""
    messages: pa.Array | None
    """(U,) conversations as JSON; `None` = there are none."""
    extras: dict[str, pa.Array]
    """(U,) each."""
    warning_rows: dict[ProblemKind, IntArray]
    """For every kind of warning that the pairs don't show, the usable rows that it is about."""
    unusable: pa.Table
    """The other rows: `row`, `codes` of their errors, `content` as JSON text."""
    error_rows: dict[ProblemKind, IntArray]
    """For every kind of error, the rows that have it."""
    fields: set[str]
    """Text fields of which some row has a text."""
    num_extra_cells: int
    """Of the usable rows: those that stand in the file, be they empty."""


def take_apart(batch: Batch, num_before: int) -> Part:
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
    extras = _rows_of(parsed.extras, usable)
    return Part(
        texts=_rows_of(parsed.texts, usable),
        scores=parsed.scores[usable],
        rows=rows[usable],
        messages=None if parsed.messages is None else parsed.messages.filter(usable),
        extras=extras,
        warning_rows={kind: rows[mask & usable] for kind, mask in parsed.warnings.items()},
        unusable=_unusable(batch, rows, parsed.errors),
        error_rows={kind: rows[mask] for kind, mask in parsed.errors.items()},
        fields={
            field for field, texts in parsed.texts.items() if texts.null_count < batch.num_rows
        },
        num_extra_cells=sum(
            len(column)
            - (0 if isinstance(batch.columns.get(name), pa.Array) else column.null_count)
            for name, column in extras.items()
        ),
    )


def _rows_of(columns: dict[str, pa.Array], mask: BoolArray) -> dict[str, pa.Array]:
    """The columns where the mask holds; not copied where it always does."""
    if mask.all():
        return columns
    return {name: column.filter(mask) for name, column in columns.items()}


def join_parts(parts: Sequence[Part]) -> PairTable:
    """The usable rows of all parts, of which there is at least one."""
    scores = np.concatenate([part.scores for part in parts])
    return PairTable(
        texts=pa.table(
            {
                field: pa.chunked_array([part.texts[field] for part in parts])
                for field in TEXT_FIELDS
            }
        ),
        chosen_scores=np.ascontiguousarray(scores[:, 0]),
        rejected_scores=np.ascontiguousarray(scores[:, 1]),
        rows=np.concatenate([part.rows for part in parts]),
        extras=join_extras([part.extras for part in parts], [len(part.rows) for part in parts]),
        messages=_join_messages(parts),
    )


def _join_messages(parts: Sequence[Part]) -> pa.ChunkedArray | None:
    if all(part.messages is None for part in parts):
        return None
    arrays = (
        pa.nulls(len(part.rows), JSON_TYPE) if part.messages is None else part.messages
        for part in parts
    )
    return pa.chunked_array(arrays, JSON_TYPE)


def unusable_rows(parts: Sequence[Part]) -> pa.Table:
    """The other rows of all parts: columns `row`, `codes`, `content`."""
    return pa.concat_tables([_UNUSABLE.empty_table(), *(part.unusable for part in parts)])


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
