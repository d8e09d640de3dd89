"""Recipes as YAML text: read strictly, written so that a person likes to read it."""

import re
import reprlib
from typing import Any

import yaml
from pydantic import BaseModel

from grice_core.errors import RecipeError
from grice_core.nesting import MAX_DEPTH, NestingError
from grice_core.recipes.config import Recipe, StageConfig

MAX_CHARACTERS = 100_000
"""A longer text is no recipe; more likely a data file given by mistake."""


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that reads `5e-5` as a number and refuses the same key twice."""

    _depth = 0

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {key.value!r} stands there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NestingError
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


# YAML 1.1, which PyYAML reads, takes only `5.0e-5` for a number: with a dot, and the exponent's sign.
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """Read one YAML document.

    Raises:
        ValueError: It is nested too deeply, or not valid YAML; the message says what is wrong and in which line.
    """
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"not valid YAML: {error.problem}{place}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())}") from error
    except NestingError:
        raise
    except ValueError as error:  # a date that no calendar has, a number of 5,000 digits
        raise ValueError(f"not valid YAML: {error}") from error


def read_document(text: str, source: str) -> dict[str, Any]:
    """Read a recipe's text into a mapping that is not validated yet.

    Raises:
        RecipeError: It is too long, not valid YAML, empty, or not a mapping.
    """
    if len(text) > MAX_CHARACTERS:
        raise RecipeError(f"{source} is too long for a recipe: is it a data file?")
    try:
        document = parse_yaml(text)
    except ValueError as error:
        raise RecipeError(f"{source} is {error}.") from error
    if document is None:
        raise RecipeError(f"{source} is empty; `grice recipe show` prints a recipe to start from.")
    if not isinstance(document, dict):
        raise RecipeError(
            f"{source} holds {reprlib.repr(document)}, not a mapping with `name` and `stages`; "
            "`grice recipe show` prints a recipe to start from."
        )
    return document


_WRITTEN = {"pairs_from": "from"}
"""How people call a setting whose own name Python keeps for itself."""


def settings_of(model: BaseModel) -> dict[str, Any]:
    """Settings as people read and write them: by today's names, with defaults that JSON leaves out."""
    document = model.model_dump(mode="json", by_alias=False)
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, tuple) and any(isinstance(item, StageConfig) for item in value):
            document[name] = [settings_of(stage) for stage in value]
        elif name not in document and value is not None:
            document[name] = value
    return {
        _WRITTEN.get(name, name): document[name]
        for name in type(model).model_fields
        if name in document
    }


def to_yaml(recipe: Recipe) -> str:
    """Write a recipe with all its defaults; `load_recipe` reads the same recipe back.

    What loading fills in from `control_for` is left out.
    """
    document = settings_of(recipe)
    del document["control_stages"]
    for stage in document["stages"]:
        if recipe.control_stages:
            del stage["epochs"]
        for rule in stage["filter"]:
            rule.pop("filters", None)
    return yaml.safe_dump(
        _without_none(document),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


def _without_none(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_none(value) for key, value in document.items() if value is not None}
    return list(map(_without_none, document)) if isinstance(document, list) else document
