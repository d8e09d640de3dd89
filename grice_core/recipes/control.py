"""Controls: recipes that take over the pairs and the number of optimizer steps of another one."""

from collections.abc import Callable, Iterator
from typing import Any

from grice_core.errors import RecipeError
from grice_core.recipes.config import Recipe
from grice_core.recipes.problems import Problem

FindControlled = Callable[[str], tuple[str, Recipe]]
"""Gives a recipe's name or absolute path, and the recipe; refuses one that is a control itself."""


def fill_in_control(document: dict[str, Any], find: FindControlled) -> list[Problem]:
    """Write what a control takes over into its document; say what stands in the way.

    A `kept_by_control` rule gets the other recipe's filters. The recipe gets the other one's stages
    to count their optimizer steps, unless its stage says its own `epochs` or `num_steps`.
    """
    problems = list(_filled_in_by_hand(document))
    name = document.get("control_for")
    if not isinstance(name, str):
        rules = [path for path, rule in _rules(document) if rule.get("kind") == "kept_by_control"]
        needy = [Problem(path, "needs `control_for`, the recipe to ask") for path in rules]
        return problems + needy
    try:
        document["control_for"], controlled = find(name)
    except RecipeError as error:
        return [*problems, Problem("control_for", str(error))]

    for _, rule in _rules(document):
        if rule.get("kind") == "kept_by_control":
            rule["filters"] = [
                stage.filter for stage in controlled.stages if not stage.is_from_model
            ]
    stepless = [stage for stage in _stages(document) if not {"epochs", "num_steps"} & stage.keys()]
    if stepless and len(_stages(document)) == 1:
        document["control_stages"] = controlled.stages
    elif stepless:
        reason = f"is missing: the steps of {name!r} can't be shared out among several stages"
        problems += [Problem(f"{stage.get('name')}.num_steps", reason) for stage in stepless]
    return problems


def _filled_in_by_hand(document: dict[str, Any]) -> Iterator[Problem]:
    message = "is filled in from `control_for`; leave it out"
    if document.pop("control_stages", None) is not None:
        yield Problem("control_stages", message)
    for path, rule in _rules(document):
        if rule.pop("filters", None) is not None:
            yield Problem(f"{path}.filters", message)


def _rules(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The dotted name and the content of each rule, as far as the document has the right form."""
    for stage in _stages(document):
        rules = stage.get("filter")
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict):
                yield f"{stage.get('name')}.filter.{rule.get('name')}", rule


def _stages(document: dict[str, Any]) -> list[dict[str, Any]]:
    stages = document.get("stages")
    items = stages if isinstance(stages, list) else []
    return [stage for stage in items if isinstance(stage, dict)]
