"""A recipe whose thresholds are being moved, with the way back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from grice_core.recipes.config import Recipe
from grice_core.recipes.load import DEFAULT_RECIPE, load_recipe
from grice_core.recipes.thresholds import move, moved, thresholds

MAX_UNDO = 200


@dataclass(frozen=True)
class Cut:
    """What is on the table of the Stages page."""

    key: str
    """Which recipe it began with, as links name it."""
    origin: Recipe
    """That recipe."""
    recipe: Recipe
    """The recipe as it is cut now."""
    past: tuple[Recipe, ...] = ()
    """Earlier cuts, the latest last."""
    future: tuple[Recipe, ...] = ()
    """Cuts that were undone, the latest first."""

    def with_moves(self, moves: Mapping[str, float]) -> "Cut":
        """Move thresholds by their names; nothing new is nothing to undo."""
        changed = move(self.recipe, moves)
        if changed == self.recipe:
            return self
        past = (*self.past, self.recipe)[-MAX_UNDO:]
        return replace(self, recipe=changed, past=past, future=())

    def undone(self) -> "Cut":
        """The cut before the last change."""
        if not self.past:
            return self
        future = (self.recipe, *self.future)
        return replace(self, recipe=self.past[-1], past=self.past[:-1], future=future)

    def redone(self) -> "Cut":
        """The cut before the last one was undone."""
        if not self.future:
            return self
        past = (*self.past, self.recipe)
        return replace(self, recipe=self.future[0], past=past, future=self.future[1:])

    def back_at(self, overrides: Sequence[str]) -> "Cut | None":
        """The nearest cut before or after this one that these overrides describe: the browser's Back and Forward
        go there by its link."""
        before = after = self
        while before.past or after.future:
            before, after = before.undone(), after.redone()
            for found in (before, after):
                if found.overrides == overrides:
                    return found
        return None

    def as_guided(self) -> "Cut":
        """Every threshold that the default recipe has too, at the default value."""
        return self.with_moves(guide_values())

    def as_in_recipe(self) -> "Cut":
        """Every threshold as in the recipe that it began with."""
        return self.with_moves({found.name: found.above for found in thresholds(self.origin)})

    @property
    def overrides(self) -> list[str]:
        """What was moved, as `--set` and links write it."""
        return list(moved(self.recipe, self.origin))

    @property
    def is_as_guided(self) -> bool:
        return self.as_guided() is self


@cache
def guide_values() -> dict[str, float]:
    """The guide's thresholds by their names."""
    return {found.name: found.above for found in thresholds(load_recipe(DEFAULT_RECIPE))}


def from_overrides(key: str, origin: Recipe, overrides: Sequence[str]) -> Cut:
    """The cut that a link describes; what it gets wrong is left out."""
    ranges = {found.name: found.range for found in thresholds(origin)}
    moves: dict[str, float] = {}
    for override in overrides:
        name, _, text = override.partition("=")
        low, high = ranges.get(name, (math.inf, -math.inf))
        value = _as_number(text)
        if low <= value <= high:
            moves[name] = value
    return Cut(key, origin, move(origin, moves))


def _as_number(text: str) -> float:
    """The number that a text says; NaN, which lies in no range, if it says none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
