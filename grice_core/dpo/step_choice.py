"""Which step's adapter a stage publishes, and when it ends early: judged by its looks at held-out pairs.

On each maxim a look takes the held-out pairs, of this stage and of those before it, that clearly differ on the
maxim. What counts is how probable it is that the policy prefers the response which the data says is better, by its
implicit rewards: σ(β · Δ) on average, which the stage began at 50 %. A loss would not do: where maxims pull a pair in
two directions, it grows with every step that is sure of one of them.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from grice_core.dpo.examples import StageExamples
from grice_core.dpo.health import LOST, LOST_NATS
from grice_core.dpo.metrics import Metrics, is_clear
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import StageConfig

FEW = 10
"""A maxim on which fewer held-out pairs clearly differ says too little to be counted."""

TOLD_APART = 1.96
"""So many standard errors from 50 %, chance explains an accuracy no longer."""


@dataclass(frozen=True)
class Look:
    """What was measured on the held-out pairs after a step."""

    step: int
    """Optimizer steps taken."""
    watched: Metrics


@dataclass(frozen=True)
class Candidate:
    """A step whose adapter may be published."""

    step: int
    accuracies: dict[Maxim, float]
    """Share of the clearly differing pairs that moved the data's way; of the maxims that are counted."""
    gains: dict[Maxim, float]
    """How probable the data's preferences have become, less the 50 % that the stage began at."""
    nats: dict[Maxim, float]
    """How far they moved the data's way, on average."""
    score: float
    """What it gained on the stage's maxims, less what it lost on the others."""
    lost: tuple[Maxim, ...]
    """Untrained maxims that have turned around."""
    on_front: bool = False
    """Whether no other candidate beats it on all maxims."""


@dataclass(frozen=True)
class StepChoice:
    """Which step is published, among which, and why."""

    step: int
    last_step: int
    """Steps that were taken."""
    num_planned: int
    """Steps that the schedules of the stage were made for."""
    counts: dict[str, dict[Maxim, int]]
    """Held-out pairs that clearly differ, by group and maxim."""
    candidates: tuple[Candidate, ...]
    said: tuple[str, ...]
    """Why, in sentences without their full stops."""

    @property
    def is_stopped(self) -> bool:
        """Whether the stage ended before its last planned step."""
        return self.last_step < self.num_planned

    def document(self) -> dict[str, Any]:
        """As JSON, with plain text for maxims, as strict writers want it."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        candidates = tuple(
            Candidate(**(each | {"lost": tuple(map(Maxim, each["lost"]))}))
            for each in document["candidates"]
        )
        return cls(**{**document, "candidates": candidates, "said": tuple(document["said"])})


@dataclass(frozen=True)
class StepRule:
    """How the looks of one stage are judged."""

    weights: Mapping[Maxim, float]
    """Of the maxims that the stage trains."""
    counts: Mapping[str, Mapping[Maxim, int]]
    """Clearly differing pairs by group of held-out pairs and maxim."""
    stops: bool = False
    """Whether training ends once retention is lost."""

    @classmethod
    def of(cls, config: StageConfig, examples: StageExamples) -> Self:
        """That of a stage with these pairs."""
        clear = is_clear(examples.margins)
        counts = {
            name: dict(zip(MAXIMS, np.count_nonzero(clear[group], axis=0).tolist(), strict=True))
            for name, group in examples.watched.items()
        }
        return cls.of_counts(config, counts)

    @classmethod
    def of_counts(cls, config: StageConfig, counts: Mapping[str, Mapping[Maxim, int]]) -> Self:
        """That of a stage whose held-out pairs are counted already."""
        weights = {maxim: getattr(config.weights, maxim) for maxim in MAXIMS}
        trained = {maxim: weight for maxim, weight in weights.items() if weight > 0}
        return cls(trained, counts, config.stop_when_retention_lost)

    @property
    def num_clear(self) -> dict[Maxim, int]:
        """Clearly differing pairs of all groups."""
        groups = self.counts.values()
        return {maxim: sum(group[maxim] for group in groups) for maxim in MAXIMS}

    @property
    def counted(self) -> tuple[Maxim, ...]:
        """The maxims on which enough held-out pairs differ."""
        return tuple(maxim for maxim in MAXIMS if self.num_clear[maxim] >= FEW)

    def candidate(self, look: Look) -> Candidate:
        """What a look says of its step."""
        accuracies = {maxim: self._mean(look, "accuracies", maxim) for maxim in self.counted}
        gains = {maxim: self._mean(look, "gains", maxim) for maxim in self.counted}
        nats = {maxim: self._mean(look, "nats", maxim) for maxim in self.counted}
        trained = [maxim for maxim in self.counted if maxim in self.weights]
        whole = sum(self.weights[maxim] for maxim in trained)
        gained = sum(self.weights[maxim] * gains[maxim] for maxim in trained)
        others = [maxim for maxim in self.counted if maxim not in self.weights]
        lost = tuple(
            maxim for maxim in others if self._is_lost(maxim, accuracies[maxim], nats[maxim])
        )
        given_up = sum(max(0.0, -gains[maxim]) for maxim in others)
        score = (gained / whole if whole else 0.0) - given_up
        return Candidate(look.step, accuracies, gains, nats, score, lost)

    def best(self, looks: Iterable[Look]) -> Candidate | None:
        """The best candidate; None if the pairs can't say which.

        One that lost retention comes after all that did not. Among equals it is the one that gained most over all
        maxims, so that no other beats it on all of them, then the earliest.
        """
        if not any(maxim in self.weights for maxim in self.counted):
            return None
        return max(map(self.candidate, looks), key=_merit, default=None)

    def has_ended(self, looks: Sequence[Look]) -> bool:
        """Whether the last look is one to stop at."""
        return self.stops and bool(looks) and bool(self.candidate(looks[-1]).lost)

    def choice(self, looks: Sequence[Look], last_step: int, num_planned: int) -> StepChoice:
        """Which step is published, once training has ended."""
        best = self.best(looks)
        candidates = _with_front([self.candidate(look) for look in looks])
        stopped = self._why_stopped(candidates[-1]) if self.has_ended(looks) else []
        return StepChoice(
            step=last_step if best is None else best.step,
            last_step=last_step,
            num_planned=num_planned,
            counts={name: dict(group) for name, group in self.counts.items()},
            candidates=tuple(candidates),
            said=(*stopped, self._why(best, candidates, last_step, num_planned)),
        )

    def _mean(self, look: Look, name: str, maxim: Maxim) -> float:
        """Of a metric over all groups' clearly differing pairs."""
        sums = (
            count[maxim] * look.watched[f"{group}/{name}/{maxim}"]
            for group, count in self.counts.items()
            if count[maxim]
        )
        return sum(sums) / self.num_clear[maxim]

    def _is_lost(self, maxim: Maxim, accuracy: float, nats: float) -> bool:
        told_apart = 0.5 - accuracy > TOLD_APART * 0.5 / math.sqrt(self.num_clear[maxim])
        return accuracy < LOST and nats < -LOST_NATS and told_apart

    def _why_stopped(self, last: Candidate) -> list[str]:
        lost = " and ".join(
            f"{maxim} ({100 * (1 - last.accuracies[maxim]):.0f} % of {self.num_clear[maxim]} held-out pairs lean less "
            f"towards the better response than before the stage, by {-last.nats[maxim]:.1f} nats on average)"
            for maxim in last.lost
        )
        return [f"stopped after step {last.step}, since retention is lost on {lost}"]

    def _why(
        self,
        best: Candidate | None,
        candidates: Sequence[Candidate],
        last_step: int,
        num_planned: int,
    ) -> str:
        if best is None:
            trained = " and ".join(self.weights)
            return (
                f"step {last_step:,} is kept, the last one: fewer than {FEW} held-out pairs differ clearly on "
                f"{trained}, too few to choose by"
            )
        measured = ", ".join(
            f"{maxim} {100 * best.accuracies[maxim]:.1f} % of {self.num_clear[maxim]}"
            for maxim in self.counted
        )
        all_lost = "; all of them had lost retention" if best.lost else ""
        return (
            f"step {best.step:,} of {num_planned:,} is kept, the best of {len(candidates)} looks at held-out "
            f"pairs (moved the data's way: {measured}){all_lost}"
        )


def _merit(candidate: Candidate) -> tuple[bool, float, float, int]:
    return not candidate.lost, candidate.score, sum(candidate.gains.values()), -candidate.step


def _with_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, those marked that no other one beats on all maxims."""
    return [
        replace(each, on_front=not any(_beats(other, each) for other in candidates))
        for each in candidates
    ]


def _beats(one: Candidate, other: Candidate) -> bool:
    pairs = [(one.gains[maxim], other.gains[maxim]) for maxim in one.gains]
    return all(mine >= theirs for mine, theirs in pairs) and any(
        mine > theirs for mine, theirs in pairs
    )
