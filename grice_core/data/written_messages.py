"""Messages that stand in a cell as text: as JSON, or in Python's notation, as `datasets.to_csv` writes them."""

import re
from typing import Any

import numpy as np
import orjson
import pyarrow.compute as pc

from grice_core.data.batches import Column, is_text
from grice_core.data.literal import parse_literal
from grice_core.data.pairs import BoolArray

_BEGINS = r"^\s*\[\s*(\{|dict\()"
_IS_LIST = re.compile(_BEGINS)
_NAMES_KEYS = re.compile(r"""["']role["']|["']content["']""")


def read_written(column: Column) -> tuple[Column, BoolArray | None]:
    """Turn texts that are lists of messages into lists; other values stay as they came.

    Returns:
        The column, and (N,) which cells hold messages in a notation that can't be read; `None` = none does.
    """
    if isinstance(column, list):
        texts = any(isinstance(value, str) and _IS_LIST.match(value) for value in column)
    else:
        texts = is_text(column.type) and bool(
            pc.any(pc.match_substring_regex(column, _BEGINS)).as_py()
        )
    if not texts:
        return column, None
    values = column if isinstance(column, list) else column.to_pylist()
    read = [_read(value) if isinstance(value, str) else value for value in values]
    unreadable = np.array([value is _UNREADABLE for value in read])
    kept = [old if new is _UNREADABLE else new for old, new in zip(values, read, strict=True)]
    return kept, unreadable if unreadable.any() else None


_UNREADABLE = object()


def _read(text: str) -> Any:
    """The messages in a text, the text itself if it holds none, or `_UNREADABLE`."""
    if not _IS_LIST.match(text) or not _NAMES_KEYS.search(text):
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            value = parse_literal(text)
        except ValueError:
            return _UNREADABLE
    is_messages = isinstance(value, list) and all(
        isinstance(one, dict) and ("content" in one or "role" in one) for one in value
    )
    return value if is_messages else text
