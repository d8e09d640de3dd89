"""How long work tells whoever watches how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called with (what is being done, units done, units in all) as work proceeds."""

    def __call__(self, task: str, done: int, total: int) -> None: ...


def silent(task: str, done: int, total: int) -> None:
    """Tells nobody."""
