"""JSON lists and JSON Lines."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from grice_core.data.batches import ROWS_PER_BATCH, Batch, batch_of_objects
from grice_core.data.encoding import not_utf8
from grice_core.data.fields import ROW_FIELDS
from grice_core.data.source import MIB, Source, UnpackedStream, format_bytes
from grice_core.errors import DataError
from grice_core.nesting import NestingError, check_depth, parse_json
from grice_core.progress import Progress

_BLOCK_SIZE = 4 * MIB
"""Of JSON Lines; the objects of the shortest lines take a hundred times the memory."""
_MAX_CONTAINERS = 100_000
"""Lists and objects that are held at once: each takes hundreds of bytes, two of which stood in the file."""
_BLANK = re.compile(r"[\s]*")
_BOM = b"\xef\xbb\xbf"


def read_json(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a JSON list."""
    content = source.read_document().removeprefix(_BOM)
    rows = _parse_list(source, content)
    del content
    for start in range(0, len(rows), ROWS_PER_BATCH):
        batch = batch_of_objects(source.name, rows[start : start + ROWS_PER_BATCH])
        yield batch
        progress(f"read {source.name}", start + batch.num_rows, len(rows))


def read_json_lines(source: Source, progress: Progress) -> Iterator[Batch]:
    """The rows of a file with one JSON object per line; blank lines are no rows."""
    first_line = 1
    with source.open() as stream:
        for block in _whole_lines(source, stream):
            for lines in _pieces(block.removeprefix(_BOM).split(b"\n")):
                rows = _parse_lines(source, lines, first_line)
                if rows:
                    yield batch_of_objects(source.name, rows)
                first_line += len(lines)
            first_line -= 1  # behind the last line break there is a piece, but no line
            progress(f"read {source.name}", stream.num_packed, stream.packed_size)


def _whole_lines(source: Source, stream: UnpackedStream) -> Iterator[bytes]:
    """The content in blocks that end where a line ends."""
    limit = source.limits.max_line_bytes
    begun = b""
    while block := stream.read(min(_BLOCK_SIZE, limit)):
        end = block.rfind(b"\n") + 1
        if end:
            yield begun + block[:end]
            begun = block[end:]
        else:
            begun += block
        if len(begun) > limit:
            raise DataError(
                f"{source.name} has a line of more than {format_bytes(limit)}; "
                "JSON Lines has one pair per line"
            )
    if begun:
        yield begun


def _pieces(lines: list[bytes]) -> Iterator[list[bytes]]:
    """So many lines at a time that what they hold fits in memory, however short or nested they are."""
    piece: list[bytes] = []
    num_containers = 0
    for line in lines:
        num_opened = line.count(b"{") + line.count(b"[")  # those in texts, too
        if piece and (
            len(piece) == ROWS_PER_BATCH or num_containers + num_opened > _MAX_CONTAINERS
        ):
            yield piece
            piece, num_containers = [], 0
        piece.append(line)
        num_containers += num_opened
    if piece:
        yield piece


def _parse_lines(source: Source, lines: list[bytes], first_line: int) -> list[Any]:
    try:
        return [orjson.loads(line) for line in lines if line and not line.isspace()]
    except orjson.JSONDecodeError:
        return _parse_lines_leniently(source, lines, first_line)


def _parse_lines_leniently(source: Source, lines: list[bytes], first_line: int) -> list[Any]:
    """The same rows, but accepting NaN; says which line is to blame if one is no JSON at all."""
    rows: list[Any] = []
    for number, line in enumerate(lines, start=first_line):
        if line and not line.isspace():
            try:
                rows.append(_loads_leniently(line))
            except UnicodeDecodeError as error:
                raise not_utf8(source) from error
            except ValueError as error:
                raise DataError(
                    f"{source.name}: line {number} is not valid JSON ({_reason(error, in_line=True)}); "
                    "correct it, or copy the file again if it is cut off there"
                ) from error
    return rows


def _parse_list(source: Source, content: bytes) -> list[Any]:
    try:
        rows = orjson.loads(content)
    except orjson.JSONDecodeError:
        rows = _parse_list_leniently(source, content)
    if isinstance(rows, dict):
        return _unwrapped(source, rows)
    if not isinstance(rows, list):
        raise DataError(f"{source.name} holds no list of pairs; write [{{…}}, {{…}}]")
    return rows


def _unwrapped(source: Source, document: dict[str, Any]) -> list[Any]:
    """The rows of a file that holds one object: a row itself, or the only list of rows in it.

    Raises:
        DataError: it is neither.
    """
    framed = _rows_of_frame(document)
    if framed is not None:
        return framed
    if ROW_FIELDS & document.keys():
        return [document]
    lists = {key: rows for key, rows in document.items() if _are_rows(rows)}
    if len(lists) == 1:
        return next(iter(lists.values()))
    splits = f"; it has {', '.join(map(repr, lists))}: keep one of them" if lists else ""
    raise DataError(
        f"{source.name} holds one JSON object, not a list of pairs{splits or '; put the pairs into a list: [{…}, {…}]'}"
    )


def _rows_of_frame(document: dict[str, Any]) -> list[Any] | None:
    """The rows of a data frame as pandas' `to_json` writes it by `orient`; `None` if it is none.

    `{"prompt": {"0": "p"}}` (columns), `{"0": {"prompt": "p"}}` (index), `{"columns": ["prompt"], "index": [0],
    "data": [["p"]]}` (split).
    """
    if document.keys() == {"columns", "index", "data"}:
        names, rows = document["columns"], document["data"]
        is_named = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if is_named and isinstance(rows, list):
            return [dict(zip(names, row, strict=False)) for row in rows if isinstance(row, list)]
    inner = list(document.values())
    if not inner or not all(isinstance(one, dict) and one for one in inner):
        return None
    if all(name.isdecimal() for name in document):
        return inner
    if all(inner[0].keys() == one.keys() for one in inner) and all(map(str.isdecimal, inner[0])):
        return [{name: document[name][row] for name in document} for row in inner[0]]
    return None


def _are_rows(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) > 0 and all(isinstance(row, dict) for row in value)
    )


def _parse_list_leniently(source: Source, content: bytes) -> Any:
    try:
        return _loads_all(content)
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    except ValueError as error:
        raise DataError(
            f"{source.name} is not valid JSON ({_reason(error)}); "
            "correct it, or copy the file again if it is cut off there"
        ) from error


def _loads_all(content: bytes) -> Any:
    """A document, or the list of the objects that follow each other in it."""
    text = content.decode("utf-8")
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    rows, place, decoder = [], len(text) - len(text.lstrip()), json.JSONDecoder()
    while place < len(text):
        try:
            row, place = decoder.raw_decode(text, place)
        except RecursionError as error:
            raise NestingError from error
        rows.append(row)
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]  # matches anywhere
    check_depth(rows)
    return rows


def _loads_leniently(text: bytes) -> Any:
    """Parse JSON that may hold NaN, Infinity or half a surrogate pair, which orjson refuses."""
    return parse_json(text.decode("utf-8"))


def _reason(error: Exception, in_line: bool = False) -> str:
    """What a parser says; `in_line` = the line is known already."""
    if isinstance(error, json.JSONDecodeError):
        line = "" if in_line else f"line {error.lineno}, "
        return f"{error.msg} at {line}column {error.colno}"
    if isinstance(error, NestingError):
        return f"it is {error}"
    if "integer string conversion" in str(error):
        return "it holds a number of thousands of digits"
    return str(error)
