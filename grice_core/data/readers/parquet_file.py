"""Parquet, read in pieces."""

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from grice_core.data.batches import Batch, Column, is_text
from grice_core.data.json_column import decoded
from grice_core.data.source import Source, format_bytes
from grice_core.errors import DataError
from grice_core.progress import Progress

_ROWS_PER_BATCH = 65_536


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
    with closing(_open(content, as_dictionary=as_dictionary)) as file:
        _check_names(source, file.schema_arrow.names)
        num_done = num_bytes = 0
        for batch in file.iter_batches(_ROWS_PER_BATCH):
            num_bytes += sum(_plain_size(column) for column in batch.columns)
            if num_bytes > source.limits.max_bytes:
                limit = format_bytes(source.limits.max_bytes)
                raise DataError(f"{source.name} unpacks to more than {limit}; split it")
            columns: dict[str, Column] = {
                name: _plain(column)
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            }
            yield Batch(columns, batch.num_rows)
            num_done += batch.num_rows
            progress(f"read {source.name}", num_done, file.metadata.num_rows)


def _open(content: pa.BufferReader | str, *, as_dictionary: bool) -> parquet.ParquetFile:
    """Opens with text kept as a dictionary, so that its plain size is known before it takes memory.

    Arrow 26 can't do so with text in delta encodings, which have no dictionary to unfold either.
    """
    if not as_dictionary:
        return parquet.ParquetFile(content)
    texts = [field.name for field in parquet.read_schema(content) if is_text(field.type)]
    return parquet.ParquetFile(content, read_dictionary=texts)


def _check_names(source: Source, names: list[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{source.name} has two columns named {doubled[0]!r}; rename one")


def _plain_size(column: pa.Array) -> int:
    """Bytes of a column once its dictionary is written out."""
    if not _is_dictionary_of_texts(column):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _plain(column: pa.Array) -> Column:
    if isinstance(column.type, pa.JsonType):  # `datasets`' Json(), DuckDB's JSON
        return decoded(column)
    if _is_dictionary_of_texts(column):
        return column.dictionary.cast(pa.large_string()).take(column.indices)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_dictionary_of_texts(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and is_text(column.type.value_type)
