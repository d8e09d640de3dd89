"""What a search came to, as plain data."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from grice_core.evaluation.paired import PairedChange, paired_changes
from grice_core.evaluation.pareto import pareto_front
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import COOPERATIVE, EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import Recipe
from grice_core.sweep.search import AS_IT_IS, Entry, Rates, Search, rates_of


@dataclass(frozen=True)
class Candidate:
    """One recipe, and what it came to on the prompts of the search, with the search's own seed."""

    name: str
    """`as-it-is`, or its trial's number in three digits."""
    overrides: tuple[str, ...]
    rates: Rates | None
    """After the last stage; None: it came to nothing."""
    failure: str = ""
    """Why."""

    @property
    def cooperative(self) -> float:
        """Its cooperative rate, a fraction; 0 if it came to nothing."""
        return 0.0 if self.rates is None else self.rates[COOPERATIVE]["rate"]


@dataclass(frozen=True, eq=False)
class Finalist:
    """A recipe that was repeated with other seeds."""

    name: str
    overrides: tuple[str, ...]
    recipe: Recipe
    models: tuple[EvaluatedModel, ...]
    """Baseline and stages on the prompts of the search, answers of all seeds together."""
    num_seeds: int

    @property
    def final(self) -> EvaluatedModel:
        """After the last stage."""
        return self.models[-1]


@dataclass(frozen=True, eq=False)
class SweepResult:
    """What a search came to."""

    candidates: tuple[Candidate, ...]
    """The recipe as it is, then every trial."""
    front: tuple[str, ...]
    """Names of those that no other one beats on all four maxims."""
    winner: Finalist
    confirmed: tuple[tuple[EvaluatedModel, ...], ...]
    """The recipe as it is, then the winner, if that is another one: baseline and stages, on the prompts
    that the search did not see."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """How much each field matters for the cooperative rate; empty where there are too few trials to say."""

    @property
    def num_prompts(self) -> tuple[int, int]:
        """Searched on, and confirmed on."""
        return self.winner.final.num_prompts, self.confirmed[0][-1].num_prompts

    @property
    def changes(self) -> dict[str, PairedChange]:
        """From the recipe as it is to the winner, on the prompts that the search did not see; empty where the
        winner is the recipe as it is."""
        if len(self.confirmed) == 1:
            return {}
        return paired_changes(self.confirmed[0][-1], self.confirmed[-1][-1])

    @property
    def verdict(self) -> str:
        """Of the winner against the baseline, on those prompts."""
        return judge(self.confirmed[-1], self.winner.recipe.evaluation).sentence


def front_of(candidates: Iterable[Candidate]) -> list[str]:
    """Names of those that no other one beats on all four maxims, the most cooperative first; what came to
    nothing is left out."""
    found = [(each, each.rates) for each in candidates if each.rates is not None]
    if not found:
        return []
    rates = np.array([[rates[maxim]["rate"] for maxim in MAXIMS] for _, rates in found])
    on_front = [one for (one, _), is_on in zip(found, pareto_front(rates), strict=True) if is_on]
    return [each.name for each in sorted(on_front, key=lambda each: -each.cooperative)]


def candidates_among(search: Search, entries: Iterable[Entry]) -> list[Candidate]:
    """The recipe as it is and all trials so far, without repeats and confirmation."""
    first = [
        each for each in entries if (each.member.seed, each.member.half) == (search.seed, "search")
    ]
    first.sort(key=lambda each: (each.member.name != AS_IT_IS, each.member.name))
    return [
        Candidate(each.member.name, search.overrides(each.member.params), each.rates, each.failure)
        for each in first
    ]


def candidate_documents(search: Search, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The same as `sweep_document` has them, of a search that may be under way."""
    candidates = candidates_among(search, entries)
    return _documents(candidates, front_of(candidates))


def _documents(candidates: Iterable[Candidate], front: Collection[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "overrides": list(each.overrides),
            "on_front": each.name in front,
            **({"failure": each.failure} if each.failure else {"rates": each.rates}),
        }
        for each in candidates
    ]


def sweep_document(result: SweepResult) -> dict[str, Any]:
    """All figures; rates and differences are fractions."""
    as_it_is, winner = result.confirmed[0], result.confirmed[-1]
    return {
        "prompts": dict(zip(("searched", "confirmed"), result.num_prompts, strict=True)),
        "candidates": _documents(result.candidates, result.front),
        "importances": dict(result.importances),
        "winner": {
            "name": result.winner.name,
            "overrides": list(result.winner.overrides),
            "seeds": result.winner.num_seeds,
            "searched": rates_of(result.winner.final),
            "confirmed": rates_of(winner[-1]),
            "confirmed_as_it_is": rates_of(as_it_is[-1]),
            "changes": {name: asdict(change) for name, change in result.changes.items()},
            "verdict": result.verdict,
        },
    }
