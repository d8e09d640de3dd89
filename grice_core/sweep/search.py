"""What a search is asked for, and what it has done so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.selection import Half
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import parse_recipe
from grice_core.sweep.space import Varied

AS_IT_IS = "as-it-is"

Params = Mapping[str, Any]
"""Field of the recipe → value to try."""
Rates = dict[str, dict[str, float]]
"""Measure → `rate`, `low` and `high` of its 95 % interval, as fractions; as JSON has it."""


@dataclass(frozen=True)
class Search:
    """What is searched, and how far."""

    recipe: Recipe
    """As it is."""
    varied: tuple[Varied, ...]
    seed: int = 0
    """Of all trials; the repeats count up from it."""
    num_trials: int = 8
    num_seeds: int = 3
    """That the finalists run with, the search's own among them."""
    minutes: float | None = None
    """After as many minutes of work no further trial begins; None: all of them are made."""
    at_once: int = 1
    """Pipelines that may be under way together."""

    @property
    def seeds(self) -> range:
        """That the finalists run with."""
        return range(self.seed, self.seed + self.num_seeds)

    def overrides(self, params: Params) -> tuple[str, ...]:
        """A trial's values, as `--set` takes them."""
        return tuple(each.override(params[each.name]) for each in self.varied if params)

    def changed(self, overrides: Sequence[str]) -> Recipe:
        """The recipe with some fields changed.

        Raises: RecipeError.
        """
        return parse_recipe(to_yaml(self.recipe), "the recipe", overrides)

    def recipe_of(self, params: Params) -> Recipe:
        """The recipe of a trial.

        Raises: RecipeError.
        """
        return self.changed(self.overrides(params)) if params else self.recipe


@dataclass(frozen=True)
class Member:
    """One pipeline of a search."""

    name: str
    """`as-it-is`, or its trial's number in three digits."""
    seed: int
    half: Half
    """Of the evaluation prompts."""
    params: Params = field(default_factory=dict, hash=False)
    """Of the trial; none of the recipe as it is."""

    @property
    def key(self) -> tuple[str, int, Half]:
        """No two members of a search have the same."""
        return self.name, self.seed, self.half


def half_named(name: str) -> Half:
    """Which half of the prompts a stored name means."""
    return "confirmation" if name == "confirmation" else "search"


@dataclass(frozen=True)
class Entry:
    """A member, and what became of it."""

    member: Member
    rates: Rates | None = None
    """After the last stage; None: it has not come so far."""
    failure: str = ""
    """Why it came to nothing."""
    seconds: float = 0.0
    """That it took."""

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to end."""
        return self.rates is None and not self.failure


def rates_of(model: EvaluatedModel) -> Rates:
    """A model's rates with their intervals."""
    return {
        measure: {"rate": rate.rate, "low": rate.interval.low, "high": rate.interval.high}
        for measure, rate in model_rates(model).items()
    }
