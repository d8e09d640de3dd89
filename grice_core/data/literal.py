"""Values in Python's notation, as `datasets` and pandas write lists and objects into CSV."""

import ast
import re
from typing import Any

import orjson

from grice_core.nesting import MAX_DEPTH, NestingError, check_depth

_MOST = 100_000
"""Characters that are parsed; the parser takes many times a text's size."""
_TOKEN = re.compile(
    r"""'[^'\\\n]*(?:\\.[^'\\\n]*)*'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|\b(?:None|True|False|true|false|null)\b"""
)
_WORDS = {"None": "null", "True": "true", "False": "false"}
_NO_JSON = "?"
_ESCAPE = re.compile(r"""\\(?:[ntrbf\\'"]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})""")
"""Those that mean the same in JSON, or nearly so."""
_WRITTEN_OTHERWISE = re.compile(r"""\\["\\'x]|\"""")
_AS_JSON = {'"': '\\"', "\\'": "'", "\\x": "\\u00"}
_LONG_NUMBER = re.compile(r"\d{16}")
_PRINTED_LIST = re.compile(r"\[\s*-?[\d.][\d.eE+-]*(?:\s+-?[\d.][\d.eE+-]*)+\s*\]")
_IN_PYTHONS_QUOTES = re.compile(r"[\[{(\s]*'")
_NO_COMMA = re.compile(r"[}\]]\s*[\[{]")


def parse_literal(text: str) -> Any:
    """The value that a Python literal stands for. NumPy's notation, which leaves commas out, is none.

    Raises:
        ValueError: it is no literal, or too long or too deep for one.
    """
    if len(text) > _MOST:
        raise ValueError("too long")
    if _depth(text) > MAX_DEPTH:
        raise NestingError
    text = text.strip()
    as_json = _TOKEN.sub(_token_as_json, text)
    try:
        if _is_plain(text):
            return orjson.loads(as_json)
    except orjson.JSONDecodeError:
        pass
    if _NO_COMMA.search(_TOKEN.sub("", text)):
        raise ValueError("no commas between its items")
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("not a literal") from error
    check_depth(value)
    return value


def is_no_json(text: str) -> bool:
    """Whether the first text that stands in it is in single quotation marks, so that no JSON parser need try."""
    return _IN_PYTHONS_QUOTES.match(text) is not None


def is_printed_by_numpy(text: str) -> bool:
    """Whether it is a list of texts or numbers with no commas between them, `['a' 'b']`, as NumPy prints arrays.

    To Python it is a list of one text, or none.
    """
    if not text.startswith("[") or len(text) > _MOST:
        return False
    return _PRINTED_LIST.fullmatch(_TOKEN.sub("0", text.strip())) is not None


def _is_plain(text: str) -> bool:
    """Whether what stands there means the same in JSON, once its strings are written so.

    JSON's parser takes a hundredth of the time of Python's, and refuses what only Python knows: tuples, sets,
    bytes, comments, strings that follow each other.
    """
    if "\\" in text and "\\" in _ESCAPE.sub("", text):
        return False
    return not _LONG_NUMBER.search(text)


def _token_as_json(token: re.Match[str]) -> str:
    """`'it\\'s "so"'` → `"it's \\"so\\""`."""
    written = token[0]
    if written[0] not in "'\"":
        return _WORDS.get(written, _NO_JSON)
    if written[0] == '"' and "\\" not in written:
        return written
    body = written[1:-1]
    if "\\" in body:
        body = _WRITTEN_OTHERWISE.sub(_escape_as_json, body)
    elif '"' in body:
        body = body.replace('"', '\\"')
    return f'"{body}"'


def _escape_as_json(found: re.Match[str]) -> str:
    return _AS_JSON.get(found[0], found[0])


def _depth(text: str) -> int:
    """Brackets open at once, those inside strings included: never less than what a parser sees; 0 if few."""
    if sum(map(text.count, "[{(")) <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for bracket in re.finditer(r"[\[\]{}()]", text):
        depth = depth + 1 if bracket[0] in "[{(" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest
