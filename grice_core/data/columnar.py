"""Pairs as a Parquet file of our own: what an upload is kept as, and how it is opened again.

Texts and scores stand in the columns that `load_pairs` knows, so that any reader of pairs can open
such a file; `_ROW` beside them tells where in the original file each pair stood.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from grice_core.data.conversation_column import (
    FORMERLY_STORED_AS,
    STORED_AS,
    conversation_array,
    is_kept,
    split_kept,
)
from grice_core.data.fields import SIDES
from grice_core.data.json_column import decoded
from grice_core.data.pairs import TEXT_FIELDS, FloatArray, PairTable
from grice_core.data.texts import TEXT
from grice_core.errors import DataError
from grice_core.files import atomic_writer
from grice_core.maxims import MAXIMS

_ROW = "_row"
_SCORES = tuple(f"{side}_{maxim}" for side in SIDES for maxim in MAXIMS)


def write_pairs(path: Path, table: PairTable) -> None:
    """Write pairs so that `read_pairs` gives them back, row numbers and unknown fields included."""
    columns = {field: table.texts.column(field) for field in TEXT_FIELDS}
    scores = np.concatenate([table.chosen_scores, table.rejected_scores], axis=1)
    for name, values in zip(_SCORES, scores.T, strict=True):
        columns[name] = pa.chunked_array([pa.array(values, from_pandas=True)])
    columns[_ROW] = pa.chunked_array([pa.array(table.rows)])
    if table.messages is not None:
        columns[STORED_AS] = table.messages
    for name in table.extras.column_names:
        if name not in columns and name != STORED_AS:
            columns[name] = table.extras.column(name)
    with atomic_writer(path) as file:
        parquet.write_table(pa.table(columns), file, compression="zstd")


def is_columnar(path: Path) -> bool:
    """Whether a file is one that `write_pairs` wrote."""
    try:
        return _ROW in parquet.read_schema(path).names
    except (pa.ArrowException, OSError):
        return False


def read_pairs(path: Path) -> PairTable:
    """Open what `write_pairs` wrote.

    Raises:
        DataError: it is no such file, or is damaged.
    """
    try:
        content = parquet.read_table(path)
        scores = np.stack([_scores(content.column(name)) for name in _SCORES], axis=1)
        content, messages = _take_messages(content)
        return PairTable(
            texts=content.select(TEXT_FIELDS).cast(pa.schema([(f, TEXT) for f in TEXT_FIELDS])),
            chosen_scores=np.ascontiguousarray(scores[:, : len(MAXIMS)]),
            rejected_scores=np.ascontiguousarray(scores[:, len(MAXIMS) :]),
            rows=content.column(_ROW).to_numpy(),
            extras=content.drop_columns([*TEXT_FIELDS, *_SCORES, _ROW]),
            messages=messages,
        )
    except (pa.ArrowException, KeyError, OSError) as error:
        raise DataError(f"{path.name} is no file of stored pairs: {error}") from error


def _take_messages(content: pa.Table) -> tuple[pa.Table, pa.ChunkedArray | None]:
    """The other columns, and the (N,) conversations; `None` if there are none."""
    if STORED_AS in content.column_names:
        return content.drop_columns([STORED_AS]), content.column(STORED_AS)
    if FORMERLY_STORED_AS not in content.column_names:
        return content, None
    texts = (content.column(field).to_pylist() for field in TEXT_FIELDS)
    kept = decoded(content.column(FORMERLY_STORED_AS))
    if not all(one is None or is_kept(one) for one in kept):
        return content, None  # a user's field has this name
    found = list(map(split_kept, kept, zip(*texts, strict=True)))
    return content.drop_columns([FORMERLY_STORED_AS]), pa.chunked_array([conversation_array(found)])


def _scores(column: pa.ChunkedArray) -> FloatArray:
    """(N,) numbers, NaN where there is none."""
    values: FloatArray = column.cast(pa.float64()).to_numpy()
    return values
