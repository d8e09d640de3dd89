"""What is wrong with a recipe, in words and all at once."""

import reprlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from grice_core.errors import RecipeError
from grice_core.recipes.config import Recipe

_SHOWN = 20

_PLAIN = {
    "missing": "is missing",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "tuple_type": "must be a list",
    "too_short": "needs at least {min_length}",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "union_tag_not_found": "needs a `kind`, for instance any_abs or sum",
    "union_tag_invalid": "must be of kind {expected_tags}, not '{tag}'",
    "value_error": "{error}",
}
"""pydantic's error types in our words."""

_WITHOUT_VALUE = {
    "missing",
    "extra_forbidden",
    "value_error",
    "union_tag_not_found",
    "union_tag_invalid",
}
"""Error types whose message needs no value after it."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    path: str
    """Dotted name of the field, as `--set` takes it."""
    message: str


class InvalidRecipeError(RecipeError):
    """A recipe has problems."""

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def refuse(problems: Sequence[Problem], source: str, overrides: Sequence[str]) -> RecipeError:
    """The error that tells all problems, each with the `--set` that it came from."""
    lines = [_line(problem, overrides) for problem in problems]
    if len(lines) == 1:
        return InvalidRecipeError(f"{source}: {lines[0]}", problems)
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"… and {len(lines) - _SHOWN} more"]
    message = "\n  ".join([f"{source} has {len(problems)} problems:", *lines])
    return InvalidRecipeError(message, problems)


def _line(problem: Problem, overrides: Sequence[str]) -> str:
    sources = [override for override in overrides if _concerns(override, problem.path)]
    source = f" [--set {sources[-1]}]" if sources else ""
    return f"{problem.path}: {problem.message}{source}"


def _concerns(override: str, path: str) -> bool:
    """Whether an override wrote what is at `path`, around it, or, below a stage, a part of it."""
    written = override.partition("=")[0].strip().removeprefix("stages.")
    around = f"{path}.".startswith(f"{written}.")
    within = "." in path and written.startswith(f"{path}.")
    return around or within


def in_plain_words(errors: Iterable[ErrorDetails], document: Any) -> list[Problem]:
    """Turn pydantic's errors about a document into problems, one for each place."""
    messages: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # pydantic counts only the valid items; the others have errors of their own
        path = _dotted(error["loc"], document)
        messages.setdefault(path, []).append(_message(error))
        if error["type"] not in _WITHOUT_VALUE:
            values[path] = f" (got {reprlib.repr(error['input'])})"
    return [
        Problem(path, " or ".join(several) + values.get(path, ""))
        for path, several in messages.items()
    ]


def near_matches(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or else what there is to choose from."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(names)}"


def _message(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _fields_beside(error["loc"])
        return f"is not a setting{near_matches(str(error['loc'][-1]), known)}"
    template = _PLAIN.get(kind)
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _dotted(loc: Sequence[int | str], document: Any) -> str:
    """Where an error is, in a person's words.

    ("stages", 0, "filter", 1, "sum", "above") → "stage1.filter.sum too small.above": items of a list
    go by their name, and the tags of unions, which stand in no document, are left out.
    """
    names: list[str] = []
    here = document
    for position, key in enumerate(loc):
        if isinstance(here, list | tuple) and isinstance(key, int):
            here = here[key]
            name = here.get("name") if isinstance(here, dict) else None
            names.append(name if isinstance(name, str) and name else str(key))
        elif isinstance(here, dict) and (key in here or position == len(loc) - 1):
            here = here.get(key)
            names.append(str(key))
    named_stage = names[:1] == ["stages"] and len(names) > 1 and not names[1].isdecimal()
    return ".".join(names[1:] if named_stage else names)


def _fields_beside(loc: Sequence[int | str]) -> set[str]:
    """The fields that a person may set where the last part of `loc` stands."""
    models: list[type[BaseModel]] = [Recipe]
    for key in loc[:-1]:
        fields = [model.model_fields[key] for model in models if key in model.model_fields]
        if fields:
            models = [model for field in fields for model in _models_in(field.annotation)]
    filled_in = {"control_stages", "filters"}
    return {name for model in models for name in model.model_fields} - filled_in


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
