"""Text that is not UTF-8."""

import codecs
from itertools import chain

from grice_core.data.source import Source
from grice_core.errors import DataError


def not_utf8(source: Source) -> DataError:
    """The error for a file of which some byte turned out not to be UTF-8: says which."""
    where = _first_bad_byte(source)
    place = f" at byte {where[0]:,} (line {where[1]:,})" if where else ""
    return DataError(f"{source.name} is not UTF-8{place}; save it as UTF-8")


def _first_bad_byte(source: Source) -> tuple[int, int] | None:
    """0-based offset and 1-based line of the first byte that can't be UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    line = 1
    with source.open() as stream:
        for block in chain(stream.blocks(), [b""]):
            num_pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                position = error.start - num_pending
                return offset + position, line + block.count(b"\n", 0, max(position, 0))
            offset += len(block)
            line += block.count(b"\n")
    return None
