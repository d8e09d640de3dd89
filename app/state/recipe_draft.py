"""Which recipe is being cut, and how far: kept in the session, named by the link."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.state.session import studio
from app.state.threshold_edits import Cut, from_overrides
from app.url import params
from app.url.widgets import REMOVED, choose_instead
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import DEFAULT_RECIPE, builtin_names, load_recipe, read_stored
from grice_core.store import recipes

_RECIPE, _SET = "recipe", "set"


def recipe_titles() -> dict[str, str]:
    """What can be chosen: by the key that links use, what to call it; the default recipe first."""
    saved = recipes.newest(studio().database)
    titles = {name: f"{name} (built in)" for name in builtin_names()}
    return titles | {str(recipe.id): f"{recipe.name} v{recipe.version}" for recipe in saved}


def current_cut(titles: Mapping[str, str]) -> Cut:
    """The cut that the link describes, with the session's way back if it is the same one.

    Raises:
        NotFoundError: the link's recipe is not there; another one can be chosen.
    """
    cut: Cut | None = st.session_state.get("cut")
    key = params.get(_RECIPE) or (cut.key if cut else DEFAULT_RECIPE)
    if not params.get(_RECIPE) and cut is not None and cut.key == key:
        return cut  # came from another page, whose link says nothing of recipes
    if key not in titles and not _is_saved(key):
        params.drop(_SET)
        choose_instead("Recipe", _RECIPE, list(titles), titles.__getitem__, REMOVED)
    overrides = params.get_all(_SET)
    if overrides and (saved := _saved().get((key, *overrides))):
        key, overrides = saved, []  # a link of before the draft was saved
    if cut is None or cut.key != key:
        return from_overrides(key, recipe_of(key), overrides)
    if cut.overrides != overrides:
        return cut.back_at(overrides) or from_overrides(key, recipe_of(key), overrides)
    return cut


def keep_cut(cut: Cut) -> None:
    """Make this the session's cut, and put it into the link."""
    st.session_state["cut"] = cut
    params.put(_RECIPE, cut.key)
    params.put(_SET, cut.overrides)


def change_cut(change: Callable[[Cut], Cut]) -> None:
    """Change the session's cut as it is by now: it may have been moved since the page was drawn."""
    keep_cut(change(st.session_state["cut"]))


def recipe_of(key: str) -> Recipe:
    """A built-in recipe by its name, or a saved version by its number."""
    if key in builtin_names():
        return load_recipe(key)
    stored = recipes.get(studio().database, int(key))
    return read_stored(stored.body, f"{stored.name} v{stored.version}")


def save_cut(cut: Cut, name: str) -> str:
    """Keep the recipe as it is cut, as the next version of a name; returns its key."""
    recipe = Recipe.model_validate(cut.recipe.model_dump() | {"name": name})
    forked_from = int(cut.key) if cut.key.isdecimal() else None
    body = recipe.model_dump(mode="json")
    key = str(recipes.save(studio().database, name, body, forked_from))
    _saved()[cut.key, *cut.overrides] = key
    return key


def _saved() -> dict[tuple[str, ...], str]:
    """Keys of the recipes that drafts were saved as in this session, by the drafts' keys and overrides.

    A user may follow a link that was drawn before the draft was saved.
    """
    found: dict[tuple[str, ...], str] = st.session_state.setdefault("saved drafts", {})
    return found


def _is_saved(key: str) -> bool:
    return key.isdecimal() and any(
        str(version.id) == key
        for recipe in recipes.newest(studio().database)
        for version in recipes.versions(studio().database, recipe.name)
    )
