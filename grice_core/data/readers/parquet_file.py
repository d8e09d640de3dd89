"""Parquet, read in pieces."""

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from grice_core.data.batches import ROWS_PER_BATCH, Batch, is_text
from grice_core.data.readers.arrow_rows import BATCH_BYTES, check_columns, rows_of
from grice_core.data.source import MIB, Source
from grice_core.errors import DataError
from grice_core.progress import Progress

_MANY_CHUNKS = 30_000
"""Columns of row groups; each takes as long as hundreds of rows."""
_FEW_ROWS = 100
_READ_AHEAD = MIB


def read_parquet(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a Parquet file."""
    try:
        content = pa.py_buffer(source.read_document()) if source.compression else str(source.path)
        metadata = parquet.read_metadata(_opened(content))
        check_columns(source, [], metadata.num_columns)
        _check_row_groups(source, metadata)
        schema = metadata.schema.to_arrow_schema()
        check_columns(source, schema.names, metadata.num_columns)
        num_done = 0
        for batch in rows_of(source, _record_batches(content, metadata, schema)):
            yield batch
            num_done += batch.num_rows
            progress(f"read {source.name}", num_done, metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{source.name} is not a complete Parquet file ({str(error).splitlines()[0]}); "
            "copy or write it again"
        ) from error


def _record_batches(
    content: pa.Buffer | str, metadata: parquet.FileMetaData, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Batches of so few rows that their texts fit in memory, however often a text is repeated in few bytes."""
    texts = [field.name for field in schema if is_text(field.type)]
    with (
        closing(_open(content, metadata)) as file,
        closing(_open(content, metadata, dictionaries_of=texts)) as as_dictionaries,
    ):
        for group in range(metadata.num_row_groups):
            size = metadata.row_group(group).total_byte_size
            longest = _longest(as_dictionaries, group, texts, size) if texts else 0
            num_rows = min(max(BATCH_BYTES // max(longest, 1), 1), ROWS_PER_BATCH)
            yield from file.iter_batches(num_rows, row_groups=[group])


def _longest(file: parquet.ParquetFile, group: int, texts: list[str], size: int) -> int:
    """Bytes that a row can have though they stand in the row group only once: of texts in dictionaries.

    What stands in no dictionary is as long as what is read of the file.
    """
    try:
        first = next(file.iter_batches(1, row_groups=[group], columns=texts), None)
    except OSError as error:
        if "Not yet implemented" not in str(error):
            raise
        # Arrow 26 reads delta encodings, as in DuckDB's Parquet V2, without dictionaries only. Of these, one
        # repeats the beginning of the text before.
        return size if _repeats_beginnings(file.metadata.row_group(group)) else 0
    if first is None:
        return 0
    lengths = (
        pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        for column in first.columns
        if isinstance(column, pa.DictionaryArray)
    )
    return sum(lengths)


def _repeats_beginnings(group: parquet.RowGroupMetaData) -> bool:
    columns = map(group.column, range(group.num_columns))
    return any("DELTA_BYTE_ARRAY" in column.encodings for column in columns)


def _open(
    content: pa.Buffer | str,
    metadata: parquet.FileMetaData,
    dictionaries_of: list[str] | None = None,
) -> parquet.ParquetFile:
    """Opens the file so that it is read bit by bit."""
    return parquet.ParquetFile(
        _opened(content),
        metadata=metadata,
        read_dictionary=dictionaries_of,
        buffer_size=_READ_AHEAD,
        pre_buffer=False,
    )


def _opened(content: pa.Buffer | str) -> pa.BufferReader | str:
    return content if isinstance(content, str) else pa.BufferReader(content)


def _check_row_groups(source: Source, metadata: parquet.FileMetaData) -> None:
    num_chunks = metadata.num_row_groups * metadata.num_columns
    if num_chunks > _MANY_CHUNKS and metadata.num_rows < _FEW_ROWS * metadata.num_row_groups:
        raise DataError(
            f"{source.name} is cut into {metadata.num_row_groups:,} row groups of hardly a row each; "
            "write it again with row groups of thousands of rows"
        )
