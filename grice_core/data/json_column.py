"""Columns of any JSON values, kept as JSON text in Arrow's JSON type, so that each comes out as it went in."""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import pyarrow as pa

from grice_core.nesting import check_depth

_LENIENT = json.JSONEncoder(default=str)
_LONG_INTEGER = re.compile(r"\d{19}")
JSON_TYPE = pa.json_(pa.large_string())


def json_array(values: Sequence[Any]) -> pa.Array:
    """(N,) of `JSON_TYPE`: the values as JSON text; a null is no value."""
    texts = [None if value is None else _dumps(value) for value in values]
    return pa.array(texts, pa.large_string()).cast(JSON_TYPE)


def decoded(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column of any type, JSON text decoded."""
    values: list[Any] = array.to_pylist()
    if not isinstance(array.type, pa.JsonType):
        return values
    return [None if text is None else _loads(text) for text in values]


def _loads(text: str) -> Any:
    if not _LONG_INTEGER.search(text):  # orjson rounds those beyond 64 bits
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(text)
    return json.loads(text)  # takes NaN and half surrogate pairs


def _dumps(value: Any) -> str:
    try:
        text = orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, half a surrogate pair, a type of Parquet's
        return dump_leniently(value)
    # orjson writes NaN and the infinities as null.
    if b"null" in text and _holds_no_number(value):
        return dump_leniently(value)
    return text.decode()


def _holds_no_number(value: Any) -> bool:
    """Whether NaN or an infinity stands somewhere in a value; its depth was checked by orjson."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(_holds_no_number, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_no_number, value))


def dump_leniently(value: Any) -> str:
    """JSON text of a value of any types; what JSON has no form for becomes text.

    Raises:
        NestingError: it is nested too deeply.
    """
    check_depth(value)
    return _LENIENT.encode(value)
