"""Rules of filters: a class per kind, which says all that filters, recipes and pages ask of it.

A new kind is one more class here, and its name in `Rule`.
"""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.maxims import Maxim


class FrozenModel(BaseModel):
    """Validated data that never changes: unknown fields, infinities and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FilterRule(FrozenModel):
    """Whether a stage keeps a pair."""

    kind: str
    name: str = Field(min_length=1)
    """The reason given for a pair that fails this rule."""

    @abstractmethod
    def keeps(self, margins: FloatArray) -> BoolArray:
        """(N,) the pairs that this rule keeps; (N, 4) data margins, NaN = unscored."""


@dataclass(frozen=True)
class CutLine:
    """Where a threshold cuts through the histogram of one maxim's data margins: at `sign` times its value."""

    sign: Literal[-1, 1] = 1
    is_certain: bool = True
    """Whatever lies left of it is dropped; if not, it is enough to be beyond one of several lines."""


class ThresholdRule(FilterRule):
    """Keeps a pair if some number made of its data margins, its strength, is above a threshold."""

    maxims: tuple[Maxim, ...] = Field(min_length=1)
    above: float

    @abstractmethod
    def strength(self, margins: FloatArray) -> FloatArray:
        """(N,) what is compared with the threshold; (N, 4) data margins, NaN stays."""

    @property
    @abstractmethod
    def statistic(self) -> str:
        """The strength in words: `quantity + relation`."""

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """The smallest and the largest strength that margins in [-1, 1] can give."""

    def keeps(self, margins: FloatArray) -> BoolArray:
        return np.asarray(self.strength(margins) > self.above)

    @property
    def is_shown_apart(self) -> bool:
        """Whether pages draw a histogram of the strength, since no maxim's own shows it."""
        return len(self.maxims) > 1

    @property
    def is_margin(self) -> bool:
        """Whether the strength is nothing but the margin of the rule's only maxim."""
        return False

    def lines(self, maxim: Maxim) -> tuple[CutLine, ...]:
        """The lines through the histogram of one maxim's margins, which moving the threshold moves."""
        return (CutLine(),) if self.maxims == (maxim,) else ()

    def columns(self, margins: FloatArray) -> list[FloatArray]:
        """The (N,) margins of each of the rule's maxims."""
        return [margins[:, maxim.column] for maxim in self.maxims]


class AnyAbsRule(ThresholdRule):
    """Keeps a pair if |data margin| of at least one of the maxims is above the threshold."""

    kind: Literal["any_abs"] = "any_abs"

    def strength(self, margins: FloatArray) -> FloatArray:
        return np.asarray(np.max(np.abs(self.columns(margins)), axis=0))

    def keeps(self, margins: FloatArray) -> BoolArray:
        # Faster than comparing the largest, of which an array would have to be made.
        above = (np.abs(column) > self.above for column in self.columns(margins))
        return _any(above, len(margins))

    @property
    def statistic(self) -> str:
        return " or ".join(f"|{maxim}|" for maxim in self.maxims)

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    def is_shown_apart(self) -> bool:
        return False

    def lines(self, maxim: Maxim) -> tuple[CutLine, ...]:
        if maxim not in self.maxims:
            return ()
        return CutLine(-1, is_certain=False), CutLine(1, is_certain=False)


class SumRule(ThresholdRule):
    """Keeps a pair if the sum of the maxims' data margins is above the threshold."""

    kind: Literal["sum"] = "sum"

    def strength(self, margins: FloatArray) -> FloatArray:
        first, *others = self.columns(margins)
        return np.asarray(sum(others, start=first))

    @property
    def statistic(self) -> str:
        return " + ".join(self.maxims)

    @property
    def is_margin(self) -> bool:
        return len(self.maxims) == 1

    @property
    def range(self) -> tuple[float, float]:
        return -float(len(self.maxims)), float(len(self.maxims))


class KeptByRule(FilterRule):
    """Keeps a pair if any stage of the recipe that this one is the control for keeps it."""

    kind: Literal["kept_by_control"] = "kept_by_control"
    filters: tuple[tuple["Rule", ...], ...] = ()
    """The other recipe's filters; filled in when the recipe is loaded."""

    def keeps(self, margins: FloatArray) -> BoolArray:
        scored = ~np.isnan(margins[:, 0])
        stages = (
            reduce(np.logical_and, (rule.keeps(margins) for rule in rules), scored)
            for rules in self.filters
        )
        return _any(stages, len(margins))


Rule = Annotated[AnyAbsRule | SumRule | KeptByRule, Field(discriminator="kind")]


def _any(masks: Iterable[BoolArray], num_pairs: int) -> BoolArray:
    return reduce(np.logical_or, masks, np.zeros(num_pairs, dtype=np.bool_))
