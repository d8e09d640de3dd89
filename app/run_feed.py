"""A run's numbers as a page follows them: only the steps after the last one are fetched."""

import math
from dataclasses import dataclass, field

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.store import metrics
from grice_core.store.database import Database
from grice_core.store.tables import Run

_FETCH = 2_000
"""Rows at a time."""
MAX_POINTS = 400
"""Of one curve; of longer runs every second, third … step is shown."""


@dataclass
class RunFeed:
    """The steps of one run that a page has; at most as many as the run takes."""

    run_id: int
    round: int
    attempt: int
    steps: list[int] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    """Per metric one number per step, NaN where it was not measured."""

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
        known = len(self.steps)
        while rows := metrics.since(database, self.run_id, self._last, _FETCH):
            for row in rows:
                self._add(row)
            if len(rows) < _FETCH:
                break
        return len(self.steps) - known

    def curve(self, name: str) -> tuple[list[int], FloatArray]:
        """Steps and numbers of one metric where it was measured, thinned to `MAX_POINTS`."""
        values = np.array(self.numbers.get(name, []), dtype=np.float64)
        at = np.flatnonzero(np.isfinite(values))
        at = at[:: -(-len(at) // MAX_POINTS) or 1]
        return [self.steps[index] for index in at.tolist()], values[at]

    def latest(self, name: str) -> float | None:
        """The last number of a metric."""
        values = self.numbers.get(name, [])
        return next((value for value in reversed(values) if not math.isnan(value)), None)

    @property
    def _last(self) -> int:
        return self.steps[-1] if self.steps else 0

    def _add(self, row: metrics.MetricRow) -> None:
        for name in row.numbers:
            if name not in self.numbers:
                self.numbers[name] = [np.nan] * len(self.steps)
        self.steps.append(row.step)
        for name, values in self.numbers.items():
            value = row.numbers.get(name)
            values.append(np.nan if value is None else value)
