"""Recipes by name or file, with overrides, validated as a whole."""

import reprlib
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grice_core.errors import RecipeError
from grice_core.recipes.config import Recipe
from grice_core.recipes.control import fill_in_control
from grice_core.recipes.documents import MAX_CHARACTERS, read_document
from grice_core.recipes.overrides import apply_overrides
from grice_core.recipes.problems import Problem, in_plain_words, near_matches, refuse

DEFAULT_RECIPE = "content-then-manner"
_BUILTIN = resources.files("grice_core.recipes") / "builtin"


def builtin_names() -> tuple[str, ...]:
    """Names of the built-in recipes, the default first."""
    names = {Path(file.name).stem for file in _BUILTIN.iterdir() if file.name.endswith(".yaml")}
    return (DEFAULT_RECIPE, *sorted(names - {DEFAULT_RECIPE}))


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A built-in recipe by its name, or one's own from a YAML file, with `name=value` overrides.

    Raises:
        RecipeError: There is no such recipe, or it has problems, all of which the message tells.
    """
    text, source, folder = _find(str(name_or_path))
    return parse_recipe(text, source, overrides, folder)


def parse_recipe(
    text: str, source: str, overrides: Sequence[str] = (), folder: Path | None = None
) -> Recipe:
    """A recipe from YAML text; `source` is what messages call it.

    Another recipe may be named as a file relative to `folder`; without one, only a built-in recipe.

    Raises:
        RecipeError: The recipe has problems, all of which the message tells.
    """
    document = read_document(text, source)
    problems = _begin_with_another(document, folder)
    problems += apply_overrides(document, overrides)
    problems += fill_in_control(document, partial(_controlled, folder))
    try:
        recipe = Recipe.model_validate(document)
    except ValidationError as error:
        problems += in_plain_words(error.errors(), document)
    if problems:
        raise refuse(problems, source, overrides)
    return recipe


def read_stored(body: Mapping[str, Any], source: str) -> Recipe:
    """A recipe as it was stored, perhaps by another version of this program.

    Raises:
        RecipeError: it can't be read.
    """
    try:
        return Recipe.model_validate(body)
    except ValidationError as error:
        raise refuse(in_plain_words(error.errors(), body), source, ()) from None


def _find(name_or_path: str) -> tuple[str, str, Path]:
    """A recipe's text, what to call it, and the folder that its own paths are relative to."""
    if name_or_path in builtin_names():
        text = (_BUILTIN / f"{name_or_path}.yaml").read_text(encoding="utf-8")
        return text, f"recipe {name_or_path!r}", Path.cwd()
    path = Path(name_or_path)
    try:
        with path.open(encoding="utf-8") as file:  # no more than shows that it is too long
            return file.read(MAX_CHARACTERS + 1), str(path), path.parent
    except FileNotFoundError as error:
        hint = near_matches(name_or_path, builtin_names())
        raise RecipeError(f"There is no recipe or file {name_or_path!r}{hint}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text, so it is no recipe.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(f"{reprlib.repr(name_or_path)} can't be read: {reason}.") from error


def _begin_with_another(document: dict[str, Any], folder: Path | None) -> list[Problem]:
    """Put the stages of the recipe that `begins_with` names before the document's own, and take over what else it
    says and the document doesn't; say what stands in the way."""
    name = document.pop("begins_with", None)
    if name is None:
        return []
    if not isinstance(name, str):
        return [Problem("begins_with", "must be the name or the file of a recipe")]
    try:
        text, source, _ = _find(_name_anywhere(folder, name))
        other = read_document(text, source)
    except RecipeError as error:
        return [Problem("begins_with", str(error))]
    for names_another in ("begins_with", "control_for"):
        if other.get(names_another) is not None:
            reason = f"{source} is made of another recipe itself, by `{names_another}`"
            return [Problem("begins_with", reason)]
    first, own = other.get("stages"), document.get("stages")
    if isinstance(first, list) and isinstance(own, list):
        document["stages"] = [*first, *own]
    taken_over = other.keys() - {"name", "description"} - document.keys()
    document |= {key: other[key] for key in other if key in taken_over}
    return []


def _name_anywhere(folder: Path | None, name: str) -> str:
    """What a recipe calls another one, as a name that holds anywhere."""
    if name in builtin_names():
        return name
    if folder is None:
        raise RecipeError(f"{name!r} is no built-in recipe{near_matches(name, builtin_names())}")
    return str((folder / name).resolve())


def _controlled(folder: Path | None, name: str) -> tuple[str, Recipe]:
    """The recipe that a control names, and a name for it that holds anywhere."""
    name = _name_anywhere(folder, name)
    text, source, its_folder = _find(name)
    if read_document(text, source).get("control_for") is not None:
        raise RecipeError(f"{source} is a control itself; name the recipe that it controls for")
    return name, parse_recipe(text, source, folder=its_folder)
