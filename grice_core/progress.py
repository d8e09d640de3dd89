"""How long work tells whoever watches how far it is."""

from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """Called with (what is being done, units done, units in all) as work proceeds."""

    def __call__(self, task: str, done: int, total: int) -> None: ...


def silent(task: str, done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class PartOf:
    """Tells how far the whole is while one part of it proceeds."""

    progress: Progress
    num_before: int
    num_here: int
    num_all: int

    def __call__(self, task: str, done: int, total: int) -> None:
        self.progress(task, self.num_before + self.num_here * done // total, self.num_all)
