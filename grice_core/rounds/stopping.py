"""When rounds of a model's own pairs end: once a round no longer helps on held-out prompts, or harms.

A judge that a model is trained against can be pleased without the model getting better. So a round is judged on
prompts that are never trained on, by each judge there is, by how far they agree, and by answers that don't end.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.intervals import Interval, paired_interval
from grice_core.evaluation.numbers import points, points_interval
from grice_core.evaluation.violations import EvaluatedModel

Rule = Literal["unfinished", "agreement", "second judge", "gain", "pairs", "steps"]
"""More unfinished answers; judges that agree less; no gain told by the second judge, by the judge; too few pairs
for a step; the cap on steps."""


@dataclass(frozen=True)
class Change:
    """Of a share of the answers, from before a round to after it."""

    before: float
    after: float
    interval: Interval
    """95 %, of the difference."""

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def rises(self) -> bool:
        """Whether it differs from zero for certain, upwards."""
        return self.interval.low > 0

    @property
    def falls(self) -> bool:
        """Whether it differs from zero for certain, downwards."""
        return self.interval.high < 0

    def __str__(self) -> str:
        return f"{points(self.difference)} points {points_interval(self.interval)}"


@dataclass(frozen=True)
class RoundEnd:
    """Why no round follows."""

    rule: Rule
    sentence: str
    keeps_round: bool = True
    """Whether the round that it was seen after still counts."""


@dataclass(frozen=True)
class RoundCheck:
    """What a round changed on held-out prompts."""

    num_prompts: int
    samples_per_prompt: int
    gain: Change
    """Of the cooperative rate by the judge."""
    unfinished: Change
    """Of the share of answers that were cut at the token limit."""
    second_gain: Change | None = None
    """Of the cooperative rate by the second judge, if there is one."""
    agreement: Change | None = None
    """Of the share of answers on whose cooperation both judges agree."""

    @classmethod
    def of(
        cls,
        before: EvaluatedModel,
        after: EvaluatedModel,
        second: tuple[EvaluatedModel, EvaluatedModel] | None = None,
    ) -> Self:
        """Compare the answers before and after a round; `second` are the same by the second judge."""
        return cls(
            num_prompts=before.num_prompts,
            samples_per_prompt=before.samples_per_prompt,
            gain=_change(before, before.cooperative, after.cooperative),
            unfinished=_change(before, _cut(before), _cut(after)),
            second_gain=None
            if second is None
            else _change(before, second[0].cooperative, second[1].cooperative),
            agreement=None
            if second is None
            else _change(
                before,
                before.cooperative == second[0].cooperative,
                after.cooperative == second[1].cooperative,
            ),
        )

    @property
    def end(self) -> RoundEnd | None:
        """The first rule that ends the rounds, harm before want of gain; None: another may follow."""
        return next(self._ends(), None)

    def _ends(self) -> Iterator[RoundEnd]:
        if self.unfinished.rises:
            yield RoundEnd("unfinished", f"unfinished answers grow by {self.unfinished}", False)
        if self.agreement is not None and self.agreement.falls:
            yield RoundEnd("agreement", f"the judges' agreement changes by {self.agreement}", False)
        gains: tuple[tuple[Rule, str, Change | None], ...] = (
            ("second judge", "second judge", self.second_gain),
            ("gain", "judge", self.gain),
        )
        helps = all(change is None or change.difference > 0 for _, _, change in gains)
        for rule, judge, change in gains:
            if change is not None and not change.rises:
                yield RoundEnd(
                    rule, f"by the {judge}, the gain {change} is not told from zero", helps
                )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """All of it, for people."""
        parts = [f"cooperative {self.gain}"]
        if self.second_gain is not None:
            parts += [f"by the second judge {self.second_gain}", f"agreement {self.agreement}"]
        parts.append(f"unfinished {self.unfinished}")
        asked = f"{self.num_prompts:,} held-out prompts × {self.samples_per_prompt} answers"
        return f"on {asked}: {', '.join(parts)}"


def _change(asked: EvaluatedModel, before: BoolArray, after: BoolArray) -> Change:
    rows = np.array(list(asked.rows_of_prompt.values()))
    differences: FloatArray = (after[rows].astype(float) - before[rows]).mean(axis=1)
    interval = paired_interval(differences, asked.samples_per_prompt)
    return Change(float(before.mean()), float(after.mean()), interval)


def _cut(model: EvaluatedModel) -> BoolArray:
    """(N,)"""
    return np.isin(np.arange(len(model.responses)), sorted(model.cut))
