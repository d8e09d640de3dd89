"""Messages that stand in a cell as text, as JSON or in Python's notation, as `datasets.to_csv` writes them;
and single messages that stand there without a list."""

import re
from contextlib import suppress
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.batches import Column, is_text
from grice_core.data.conversation_column import json_values
from grice_core.data.literal import is_no_json, parse_literal
from grice_core.data.pairs import BoolArray

_BEGINS = r"^\s*(\[\s*)?(\{|dict\()"
_MAY_BE = re.compile(_BEGINS)
_NAMES_KEYS = re.compile(r"""["']role["']|["']content["']""")


def read_written(column: Column) -> tuple[Column, BoolArray | None]:
    """Turn texts that are messages, and messages that stand alone, into lists; other values stay as they came.

    Returns:
        The column, and (N,) which cells hold messages in a notation that can't be read; `None` = none does.
    """
    if not _may_hold_some(column):
        return column, None
    values = json_values(column)
    read = [_read(value) for value in values]
    unreadable = np.array([value is _UNREADABLE for value in read])
    kept = [old if new is _UNREADABLE else new for old, new in zip(values, read, strict=True)]
    return kept, unreadable if unreadable.any() else None


_UNREADABLE = object()


def _may_hold_some(column: Column) -> bool:
    if isinstance(column, list):
        kinds = set(map(type, column))
        texts = column if kinds == {str} else [one for one in column if isinstance(one, str)]
        return dict in kinds or any(map(_MAY_BE.match, texts))
    if pa.types.is_struct(column.type):
        return True
    return is_text(column.type) and bool(pc.any(pc.match_substring_regex(column, _BEGINS)).as_py())


def _read(value: Any) -> Any:
    """The messages in a value, the value itself if it holds none, or `_UNREADABLE`."""
    if isinstance(value, dict):
        return [value] if _is_message(value) else value
    if not isinstance(value, str) or not _MAY_BE.match(value) or not _NAMES_KEYS.search(value):
        return value
    try:
        parsed = _parse(value)
    except ValueError:
        return _UNREADABLE if value.lstrip().startswith("[") else value
    if isinstance(parsed, dict):
        return [parsed] if _is_message(parsed) else value
    is_messages = isinstance(parsed, list) and all(
        isinstance(one, dict) and ("content" in one or "role" in one) for one in parsed
    )
    return parsed if is_messages else value


def _parse(text: str) -> Any:
    """JSON, or a Python literal; raises ValueError if it is neither."""
    if not is_no_json(text):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(text)
    return parse_literal(text)


def _is_message(value: dict[str, Any]) -> bool:
    return "role" in value and bool(value.keys() & {"content", "tool_calls"})
