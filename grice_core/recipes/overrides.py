"""`--set` overrides: one field of a recipe by its dotted name."""

from collections.abc import Iterable
from typing import Any

from grice_core.recipes.config import FORMER_NAMES, Recipe
from grice_core.recipes.documents import parse_yaml
from grice_core.recipes.problems import Problem, near_matches

_SAME_SETTING = FORMER_NAMES | {former: name for name, former in FORMER_NAMES.items()}
"""The other name of a setting that has two."""


def apply_overrides(document: dict[str, Any], overrides: Iterable[str]) -> list[Problem]:
    """Write overrides into a document in their order; say which ones could not be written.

    `stage1.epochs=1`, `stage1.lora.r=8`, `stage2.filter.manner.above=0.1`, `holdout_share=0.2`:
    stages and rules go by their name, or by an index that counts from 0; the value is YAML.
    Whether the field exists and takes the value is left to the validation of the whole recipe.
    """
    problems = []
    for override in overrides:
        try:
            _apply(document, override)
        except ValueError as error:
            problems.append(Problem(override.partition("=")[0].strip(), str(error)))
    return problems


def _apply(document: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals:
        raise ValueError("is no override; write name=value")
    path = name.strip().split(".")
    value = parse_yaml(text)
    if path[0] not in Recipe.model_fields:
        _require_stage(document, path[0])
        path = ["stages", *path]
    container: Any = document
    for key in path[:-1]:
        place = _place(container, key)
        child = container.get(place) if isinstance(container, dict) else container[place]
        # Written into a copy, since YAML aliases let two stages share one mapping.
        container[place] = child.copy() if isinstance(child, dict | list) else {}
        container = container[place]
    if isinstance(container, dict) and path[-1] in _SAME_SETTING:
        container.pop(_SAME_SETTING[path[-1]], None)
    container[_place(container, path[-1])] = value


def _require_stage(document: dict[str, Any], name: str) -> None:
    """Raise if the first part of a path is no stage; it is no field of the recipe either."""
    stages = _names(document.get("stages"))
    if name not in stages:
        fields = set(Recipe.model_fields) - {"control_stages"}
        raise ValueError(
            f"no stage or setting is named {name!r}{near_matches(name, [*stages, *fields])}"
        )


def _place(container: Any, key: str) -> Any:
    """The key of a mapping, or the index of a list's item given by its name or index."""
    if isinstance(container, dict):
        return key
    names = _names(container)
    if key in names:
        return names.index(key)
    if key.isdecimal() and int(key) < len(container):
        return int(key)
    raise ValueError(f"nothing is named {key!r}{near_matches(key, filter(None, names))}")


def _names(items: Any) -> list[str]:
    """The name of each item of a list, empty where it has none."""
    if not isinstance(items, list):
        return []
    return [str(item.get("name", "")) if isinstance(item, dict) else "" for item in items]
