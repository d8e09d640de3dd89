"""Parquet, read in pieces."""

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
from pyarrow import parquet

from grice_core.data.batches import ROWS_PER_BATCH, Batch, is_text
from grice_core.data.readers.arrow_rows import check_columns, rows_of
from grice_core.data.source import Source
from grice_core.errors import DataError
from grice_core.progress import Progress

_MANY_CHUNKS = 30_000
"""Columns of row groups; each takes as long as hundreds of rows."""
_FEW_ROWS = 100


def read_parquet(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a Parquet file."""
    try:
        try:
            batch = None
            for batch in _read(source, progress, as_dictionary=True):
                yield batch
        except OSError as error:  # delta encodings, as in DuckDB's Parquet V2
            if batch is not None or "Not yet implemented" not in str(error):
                raise
            yield from _read(source, progress, as_dictionary=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{source.name} is not a complete Parquet file ({str(error).splitlines()[0]}); "
            "copy or write it again"
        ) from error


def _read(source: Source, progress: Progress, *, as_dictionary: bool) -> Iterator[Batch]:
    content = pa.BufferReader(source.read_document()) if source.compression else str(source.path)
    with closing(_open(source, content, as_dictionary=as_dictionary)) as file:
        num_done = 0
        for batch in rows_of(source, file.iter_batches(ROWS_PER_BATCH)):
            yield batch
            num_done += batch.num_rows
            progress(f"read {source.name}", num_done, file.metadata.num_rows)


def _open(
    source: Source, content: pa.BufferReader | str, *, as_dictionary: bool
) -> parquet.ParquetFile:
    """Opens with text kept as a dictionary, so that its plain size is known before it takes memory.

    Arrow 26 can't do so with text in delta encodings, which have no dictionary to unfold either.
    """
    metadata = parquet.read_metadata(content)
    check_columns(source, [], metadata.num_columns)
    _check_row_groups(source, metadata)
    schema = metadata.schema.to_arrow_schema()
    check_columns(source, schema.names, metadata.num_columns)
    texts = [field.name for field in schema if is_text(field.type)] if as_dictionary else []
    if not isinstance(content, str):
        content.seek(0)
    return parquet.ParquetFile(content, metadata=metadata, read_dictionary=texts)


def _check_row_groups(source: Source, metadata: parquet.FileMetaData) -> None:
    num_chunks = metadata.num_row_groups * metadata.num_columns
    if num_chunks > _MANY_CHUNKS and metadata.num_rows < _FEW_ROWS * metadata.num_row_groups:
        raise DataError(
            f"{source.name} is cut into {metadata.num_row_groups:,} row groups of hardly a row each; "
            "write it again with row groups of thousands of rows"
        )
