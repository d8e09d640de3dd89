"""What a search may change in a recipe, as it is typed: `stage2.beta=0.05..0.5`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.errors import InputError
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import settings_of

RecipeOf = Callable[[Sequence[str]], Recipe]
"""The recipe with these overrides; raises RecipeError."""

_SYNTAX = (
    "write NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=ONE,OTHER: stage2.beta=0.05..0.5, "
    "stage1.learning_rate=1e-5..1e-3:log, stage1.epochs=1..3, stage2.loss_type=dpo,ipo"
)


@dataclass(frozen=True)
class Range:
    """A number between two others, both included."""

    name: str
    """Of the recipe's field, with its stage: `stage2.beta`."""
    low: float
    high: float
    is_whole: bool
    is_log: bool
    """Whether its logarithm is what is evenly spread."""

    @property
    def ends(self) -> tuple[str, ...]:
        """The first and the last value, as `--set` takes them."""
        return self.override(self.low), self.override(self.high)

    def override(self, value: float | str) -> str:
        """As `--set` takes it."""
        return f"{self.name}={int(value) if self.is_whole else float(value)!r}"

    def __str__(self) -> str:
        low, high = (int(end) if self.is_whole else end for end in (self.low, self.high))
        return f"{self.name}={low!r}..{high!r}{':log' if self.is_log else ''}"


@dataclass(frozen=True)
class Choices:
    """One of several values."""

    name: str
    values: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """Every value, as `--set` takes it."""
        return tuple(map(self.override, self.values))

    def override(self, value: float | str) -> str:
        """As `--set` takes it."""
        return f"{self.name}={value}"

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.values)}"


Varied = Range | Choices


def parse_varied(text: str) -> Varied:
    """What may change, as it is typed.

    Raises: InputError.
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    if not (name and equals and values):
        raise InputError(f"--vary {text}: {_SYNTAX}")
    if ".." in values:
        return _range(text, name, values)
    choices = tuple(value.strip() for value in values.split(","))
    if len(set(choices)) < 2 or not all(choices):
        raise InputError(f"--vary {text} leaves nothing to choose: {_SYNTAX}")
    return Choices(name, choices)


def checked(varied: Sequence[Varied], recipe_of: RecipeOf) -> None:
    """Try the ends of each range and every choice, each by itself.

    Raises:
        InputError: a field is named twice, or none is.
        RecipeError: a field is not there, or doesn't take a value.
    """
    names = [each.name for each in varied]
    if not names:
        raise InputError(f"nothing is varied: {_SYNTAX}")
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"{', '.join(sorted(twice))}: name each field once")
    for each in varied:
        for override in each.ends:
            recipe_of([override])


def value_in(recipe: Recipe, name: str) -> str:
    """What a recipe says of a field, as it is typed; empty if it says nothing."""
    found: Any = settings_of(recipe)
    path = name.split(".")
    if path[0] not in found:
        path = ["stages", *path]
    for key in path:
        if isinstance(found, list):
            by_name = {each.get("name"): each for each in found}
            found = by_name.get(key)
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return "" if found is None or isinstance(found, dict | list) else str(found)


def _range(text: str, name: str, values: str) -> Range:
    numbers, _, scale = values.partition(":")
    low_text, _, high_text = numbers.partition("..")
    try:
        low, high = float(low_text), float(high_text)
    except ValueError:
        raise InputError(f"--vary {text}: {_SYNTAX}") from None
    is_log = scale == "log"
    if scale not in ("", "log") or not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"--vary {text}: {_SYNTAX}")
    if low >= high or (is_log and low <= 0):
        above = " and above 0" if is_log else ""
        raise InputError(f"--vary {text}: the first number has to be below the second{above}")
    is_whole = all(end.strip().lstrip("+-").isdecimal() for end in (low_text, high_text))
    return Range(name, low, high, is_whole, is_log)
