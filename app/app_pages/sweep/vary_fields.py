"""What is varied: the fields of the recipe, and for each the values to try; all of it stands in the link."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.text.formatting import plain_markdown, sentence
from app.url import params
from app.url.widget_keys import is_current, widget_key
from grice_core.errors import InputError, RecipeError
from grice_core.recipes.config import Recipe
from grice_core.sweep.search import Search
from grice_core.sweep.space import Varied, checked, parse_varied
from grice_core.sweep.suggest import suggested

_VARY = "vary"
_FIRST = 2
"""Suggestions that a new form begins with: the last stage's beta and learning rate."""
_HELP = (
    "Fields of the recipe, as --set names them; another one may be typed. Trials that differ in the last stage "
    "only share all others, so they cost least."
)
_PLAIN = re.compile(r"[a-z0-9]+([._][a-z0-9]+)*")
_SYNTAX = "low..high, low..high:log, or one,other"


@dataclass(frozen=True)
class VaryChoice:
    """What the form says is varied."""

    varied: tuple[Varied, ...]
    problems: tuple[str, ...]
    """Why it can't be searched, a sentence each."""


def vary_fields(recipe: Recipe) -> VaryChoice:
    """Show the widgets."""
    offered = {name: str(varied) for name, varied in suggested(recipe).items()}
    if not params.get_all(_VARY):
        params.put(_VARY, [*offered.values()][:_FIRST])
    asked = _by_name(params.get_all(_VARY))
    _choose_names(asked, offered)
    for name in asked:
        _choose_values(name, asked)
    return _read(recipe, params.get_all(_VARY))


def _by_name(texts: Sequence[str]) -> dict[str, str]:
    """What is varied by the field's name, without it where nothing is said of it."""
    parts = (text.partition("=") for text in texts)
    return {name.strip(): values.strip() for name, _, values in parts if name.strip()}


def _choose_names(asked: Mapping[str, str], offered: Mapping[str, str]) -> None:
    key = widget_key("sweep fields", [*asked, "of", *offered])

    def keep() -> None:
        if is_current(key):
            chosen = [str(name).partition("=")[0].strip() for name in st.session_state[key]]
            texts = [
                f"{name}={asked[name]}" if name in asked else offered.get(name, f"{name}=")
                for name in chosen
            ]
            params.put(_VARY, texts)

    st.multiselect(
        "What is varied",
        dict.fromkeys([*asked, *offered]),
        [*asked],
        key=key,
        accept_new_options=True,
        help=_HELP,
        on_change=keep,
    )


def _choose_values(name: str, asked: Mapping[str, str]) -> None:
    key = widget_key(f"sweep values {name}", asked[name])

    def keep() -> None:
        if is_current(key):
            changed = {**asked, name: st.session_state[key].strip()}
            params.put(_VARY, [f"{each}={values}" for each, values in changed.items()])

    st.text_input(
        _label(name),
        asked[name],
        key=key,
        placeholder=_SYNTAX,
        help=_SYNTAX,
        on_change=keep,
    )


def _label(name: str) -> str:
    """A field's name; one that is plain anyway stays as it is, since screen readers get the label unread."""
    is_plain = _PLAIN.fullmatch(name) and not name.startswith("www.")
    return name if is_plain else plain_markdown(name)


def _read(recipe: Recipe, texts: Sequence[str]) -> VaryChoice:
    varied, problems = [], []
    for text in texts:
        try:
            one = parse_varied(text)
            checked([one], Search(recipe, (one,)).changed)
        except (InputError, RecipeError) as error:
            problems.append(sentence(str(error)))
        else:
            varied.append(one)
    if not texts:
        problems.append("Choose what is varied.")
    return VaryChoice(tuple(varied), tuple(problems))
