"""How deep values from outside may be nested: a limit of our own, since the interpreter's differs by version."""

import json
from typing import Any

MAX_DEPTH = 200
"""Lists and objects inside each other; far below where any parser or serialiser here gives up by itself."""

_CONTAINERS = (dict, list, tuple)


class NestingError(ValueError):
    """A value is nested deeper than `MAX_DEPTH`."""

    def __init__(self) -> None:
        super().__init__("nested too deeply")


def check_depth(value: Any) -> None:
    """Look at a value level by level, without recursion.

    Raises:
        NestingError: it is nested too deeply.
    """
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, _CONTAINERS)
        ]
        if not level:
            return
    raise NestingError


def parse_json(text: str) -> Any:
    """JSON from outside; takes NaN, infinities and half surrogate pairs, which orjson refuses.

    Raises:
        NestingError: it is nested too deeply.
        json.JSONDecodeError: it is not JSON.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise NestingError from error
    check_depth(value)
    return value
