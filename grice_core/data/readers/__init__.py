"""One reader per format: a source in, batches of rows out."""

from collections.abc import Iterator

from grice_core.data.batches import Batch
from grice_core.data.readers.arrow_file import read_arrow
from grice_core.data.readers.csv_file import read_csv
from grice_core.data.readers.excel_file import read_excel
from grice_core.data.readers.json_file import read_json, read_json_lines
from grice_core.data.readers.parquet_file import read_parquet
from grice_core.data.readers.text_file import read_text
from grice_core.data.source import DataFiles, Format
from grice_core.progress import Progress

_READERS = {
    Format.JSON: read_json,
    Format.JSONL: read_json_lines,
    Format.CSV: read_csv,
    Format.PARQUET: read_parquet,
    Format.ARROW: read_arrow,
    Format.EXCEL: read_excel,
    Format.TEXT: read_text,
}


def read_batches(source: DataFiles, progress: Progress) -> Iterator[Batch]:
    """The rows of all files, in order.

    Raises:
        DataError: a file is not what it says, or is larger than its limits.
    """
    for part in source.parts:
        for batch in _READERS[part.format](part, progress):
            yield batch.with_constants(part.constants) if part.constants else batch
