"""Arrow's own files: the IPC format as a file or a stream, and Feather."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import feather

from grice_core.data.batches import Batch
from grice_core.data.readers.arrow_rows import check_columns, rows_of
from grice_core.data.source import Source
from grice_core.errors import DataError
from grice_core.progress import Progress


def read_arrow(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of an Arrow file, read batch by batch from where they lie."""
    try:
        with _content(source) as content:
            size = content.size()
            batches = _batches(content)
            schema = next(batches)
            check_columns(source, schema.names, sum(_num_leaves(kind) for kind in schema.types))
            for batch in rows_of(source, batches):
                yield batch
                progress(f"read {source.name}", min(content.tell(), size), size)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{source.name} is not a complete Arrow file ({str(error).splitlines()[0]}); "
            "copy or write it again"
        ) from error


def _content(source: Source) -> pa.NativeFile:
    if source.compression:
        return pa.BufferReader(source.read_document())
    return pa.memory_map(str(source.path))


def _batches(content: pa.NativeFile) -> Iterator[Any]:
    """The schema, then the record batches."""
    magic = content.read(6)
    content.seek(0)
    if magic == b"ARROW1":
        file = pa.ipc.open_file(content)
        yield file.schema
        yield from (file.get_batch(number) for number in range(file.num_record_batches))
    elif magic.startswith(b"FEA1"):
        table = feather.read_table(content)
        yield table.schema
        yield from table.to_batches()
    else:
        stream = pa.ipc.open_stream(content)
        yield stream.schema
        yield from stream


def _num_leaves(kind: pa.DataType) -> int:
    """Columns that a type has, where an object has one for each of its fields."""
    if not kind.num_fields:
        return 1
    return sum(_num_leaves(kind.field(number).type) for number in range(kind.num_fields))
