"""Values in Python's notation, as `datasets` and pandas write lists and objects into CSV."""

import ast
import re
from typing import Any

from grice_core.nesting import MAX_DEPTH, NestingError, check_depth

_MOST = 100_000
"""Characters that are parsed; the parser takes many times a text's size."""


def parse_literal(text: str) -> Any:
    """The value that a Python literal stands for. NumPy's notation, which leaves commas out, is none.

    Raises:
        ValueError: it is no literal, or too long or too deep for one.
    """
    if len(text) > _MOST:
        raise ValueError("too long")
    if _depth(text) > MAX_DEPTH:
        raise NestingError
    try:
        value = ast.literal_eval(text.strip())
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("not a literal") from error
    check_depth(value)
    return value


def _depth(text: str) -> int:
    """Brackets open at once, those inside strings included: never less than what a parser sees."""
    deepest = depth = 0
    for bracket in re.finditer(r"[\[\]{}()]", text):
        depth = depth + 1 if bracket[0] in "[{(" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest
