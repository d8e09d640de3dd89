"""Text that is not UTF-8."""

import codecs

from grice_core.data.source import Source
from grice_core.errors import DataError


def not_utf8(source: Source, offset: int, line: int) -> DataError:
    """The error for a byte that can't be UTF-8, at this 0-based offset and 1-based line."""
    return DataError(
        f"{source.name} is not UTF-8 at byte {offset:,} (line {line:,}); save it as UTF-8"
    )


def find_bad_byte(source: Source) -> tuple[int, int] | None:
    """Offset and line of the first byte that can't be UTF-8; `None` = the whole content is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    line = 1
    with source.open() as stream:
        for block in (*stream.blocks(), b""):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                position = error.start - pending
                return offset + position, line + block.count(b"\n", 0, max(position, 0))
            offset += len(block)
            line += block.count(b"\n")
    return None
