"""A run's numbers as a page follows them: only the steps after the last one are fetched.

However long the run, a page keeps a bounded number of points of each curve.
"""

from dataclasses import dataclass, field

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.store import metrics
from grice_core.store.database import Database
from grice_core.store.tables import Run

_FETCH = 2_000
"""Rows at a time."""
MAX_POINTS = 400
"""Of one curve; of longer ones every second, fourth, eighth … number is kept."""


@dataclass
class Curve:
    """One metric where it was measured, thinned as it grows."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    last: tuple[int, float] = (0, np.nan)
    """The latest number, whether or not it is among the points."""
    _stride: int = 1
    _num_seen: int = 0

    def add(self, step: int, value: float) -> None:
        """Take the number of a later step."""
        self.last = step, value
        if self._num_seen % self._stride == 0:
            self.steps.append(step)
            self.values.append(value)
        self._num_seen += 1
        if len(self.steps) > MAX_POINTS:
            self.steps, self.values = self.steps[::2], self.values[::2]
            self._stride *= 2

    def points(self) -> tuple[list[int], FloatArray]:
        """Steps and numbers, up to the latest."""
        step, value = self.last
        if self.steps and self.steps[-1] == step:
            return self.steps, np.array(self.values)
        return [*self.steps, step], np.array([*self.values, value])


@dataclass
class RunFeed:
    """What a page has of one run."""

    run_id: int
    round: int
    attempt: int
    last_step: int = 0
    curves: dict[str, Curve] = field(default_factory=dict)
    """By metric; those that were never a number are left out."""

    @classmethod
    def of(cls, run: Run) -> "RunFeed":
        """A feed that has nothing yet."""
        return cls(run.id, run.round, run.attempt)

    def follows(self, run: Run) -> bool:
        """Whether what the feed has is still true: a run begun anew, or taken up again from a
        checkpoint, may take steps a second time."""
        return (self.run_id, self.round, self.attempt) == (run.id, run.round, run.attempt)

    def update(self, database: Database) -> int:
        """Fetch the steps after the last one; returns how many came."""
        num_new = 0
        while rows := metrics.since(database, self.run_id, self.last_step, _FETCH):
            for row in rows:
                self._add(row)
            num_new += len(rows)
            if len(rows) < _FETCH:
                break
        return num_new

    def curve(self, name: str) -> tuple[list[int], FloatArray]:
        """Steps and numbers of one metric where it was measured."""
        return self.curves[name].points() if name in self.curves else ([], np.array([]))

    def latest(self, name: str) -> float | None:
        """The last number of a metric."""
        return self.curves[name].last[1] if name in self.curves else None

    def _add(self, row: metrics.MetricRow) -> None:
        self.last_step = row.step
        for name, value in row.numbers.items():
            if value is not None and np.isfinite(value):
                self.curves.setdefault(name, Curve()).add(row.step, value)


def feed_of(run: Run, known: dict[int, RunFeed]) -> RunFeed:
    """The feed of a run among those that a page has, or a new one that is put among them."""
    feed = known.get(run.id)
    if feed is None or not feed.follows(run):
        feed = known[run.id] = RunFeed.of(run)
    return feed
