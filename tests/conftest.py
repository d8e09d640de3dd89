"""Files whose tests take minutes come first, so that no process is left alone with one at the end."""

from pathlib import Path

import pytest

_ROOT = Path(__file__).parent
_LONGEST = (
    "worker",
    "app/server",
    "pipeline",
    "demo",
    "models",
    "benchmarks",
    "cli",
    "app/test_image.py",
    "dpo/distributed",
    "dpo/checkpointing",
)
"""Longest first; measured with `pytest --durations`."""


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(_ROOT).as_posix()
    found = (place for place, name in enumerate(_LONGEST) if path.startswith(name))
    return next(found, len(_LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)
