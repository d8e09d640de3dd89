"""Plain text, one prompt a line."""

from collections.abc import Iterator

from grice_core.data.batches import BARE, Batch
from grice_core.data.encoding import not_utf8
from grice_core.data.source import Source
from grice_core.progress import Progress

_LINES_PER_BATCH = 65_536


def read_text(source: Source, progress: Progress) -> Iterator[Batch]:
    """The lines of a text file that are not blank."""
    try:
        content = source.read_document().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    lines = [line.strip() for line in content.split("\n") if line.strip()]
    for start in range(0, len(lines), _LINES_PER_BATCH):
        part = lines[start : start + _LINES_PER_BATCH]
        yield Batch({BARE: part}, len(part))
        progress(f"read {source.name}", start + len(part), len(lines))
