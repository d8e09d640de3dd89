"""In which settings one recipe differs from another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import settings_of

_UNTOLD = {"name", "title", "description", "control_stages", "filters"}
"""What is no setting, or is filled in from another recipe."""
_ABSENT = "–"


@dataclass(frozen=True)
class Difference:
    """One setting."""

    name: str
    """Dotted name, as `--set` takes it."""
    here: str
    there: str
    """`–` where one of the recipes does not have it."""


def differences(recipe: Recipe, other: Recipe) -> list[Difference]:
    """The settings that differ, in the order of the first recipe, then what only the other has."""
    here, there = (_settings_of(found) for found in (recipe, other))
    names = [*here, *(name for name in there if name not in here)]
    return [
        Difference(name, here.get(name, _ABSENT), there.get(name, _ABSENT))
        for name in names
        if here.get(name) != there.get(name)
    ]


def differences_among(recipes: Sequence[Recipe]) -> list[tuple[str, tuple[str, ...]]]:
    """The settings that are not the same in all recipes: dotted name, and the value in each."""
    settings_list = [_settings_of(recipe) for recipe in recipes]
    names = dict.fromkeys(name for settings in settings_list for name in settings)
    rows = [
        (name, tuple(settings.get(name, _ABSENT) for settings in settings_list)) for name in names
    ]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _settings_of(recipe: Recipe) -> dict[str, str]:
    """Dotted names and values."""
    return dict(_settings(settings_of(recipe)))


def _settings(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Dotted names and values; items of a list go by their name if they have one."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key not in _UNTOLD:
                yield from _settings(value, path if key == "stages" else (*path, key))
    elif isinstance(document, list) and any(isinstance(item, dict) for item in document):
        for index, item in enumerate(document):
            yield from _settings(item, (*path, str(item.get("name", index))))
    elif isinstance(document, list):
        yield ".".join(path), ", ".join(map(str, document))
    else:
        yield ".".join(path), _ABSENT if document is None else str(document)
