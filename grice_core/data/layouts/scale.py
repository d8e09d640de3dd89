"""Scores on other scales than that of violation probabilities."""

import re
from dataclasses import dataclass
from typing import Self

from grice_core.data.scores import ScoreColumn
from grice_core.errors import DataError

_WRITTEN = re.compile(
    r"\s*(-?\d+(?:\.\d+)?)\s*(?:-|–|\.\.|to)\s*(-?\d+(?:\.\d+)?)\s*,\s*(higher|lower)(?: is better)?\s*"
)


@dataclass(frozen=True)
class Scale:
    """From what to what scores run, and which end is the good one."""

    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise DataError(
                f"a scale from {self.low:g} to {self.high:g} is none: name its lower end first"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """`1-5,higher` is a scale from 1 to 5 on which higher is better.

        Raises:
            DataError: it is not written so.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise DataError(
                f"{text!r} is no scale; write its ends and which one is better: 1-5,higher or 0-100,lower"
            )
        return cls(float(match[1]), float(match[2]), match[3] == "higher")

    @property
    def written(self) -> str:
        """For `parse`."""
        return f"{self.low:g}-{self.high:g},{'higher' if self.higher_is_better else 'lower'}"

    @property
    def words(self) -> str:
        """`1 to 5, higher is better: 5 becomes 0 (no violation), 1 becomes 1`."""
        good, bad = (self.high, self.low) if self.higher_is_better else (self.low, self.high)
        better = "higher" if self.higher_is_better else "lower"
        return (
            f"{self.low:g} to {self.high:g}, {better} is better: "
            f"{good:g} becomes 0 (no violation), {bad:g} becomes 1"
        )

    def applied(self, column: ScoreColumn) -> ScoreColumn:
        """Violation probabilities in [0, 1], lower is better; what lies beyond the ends stays beyond."""
        values = (column.values - self.low) / (self.high - self.low)
        return ScoreColumn(1.0 - values if self.higher_is_better else values, column.faults)


PROBABILITIES = Scale()
"""What scores are where no scale is given."""
