"""Undo, presets, save: what can be done with a cut as a whole."""

import shlex

import streamlit as st

from app.state.command_words import data_word, environment, recipe_word
from app.state.recipe_draft import change_cut, keep_cut, recipe_of, save_cut
from app.state.session import studio
from app.state.threshold_edits import Cut, from_overrides
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded
from app.url import params
from app.url.navigation import link_to
from grice_core.data.pairs import FloatArray
from grice_core.recipes.names import recipe_name
from grice_core.recipes.presets import scaled
from grice_core.store import data_sets

_TAKEN_ALONG = ("data", "recipe", "set", "eval", "leakage")
"""What the link says that a launch has to know."""


def cut_toolbar(cut: Cut, margins: FloatArray) -> None:
    """One row of buttons; (N, 4) data margins, NaN = unscored."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Undo",
            icon=":material/undo:",
            disabled=not cut.past,
            on_click=change_cut,
            args=(Cut.undone,),
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            disabled=not cut.future,
            on_click=change_cut,
            args=(Cut.redone,),
        )
        with st.popover("Presets", icon=":material/tune:"):
            _presets(cut, margins)
        saves = allowed(explained="Saves a new version.")
        if st.button("Save as …", icon=":material/save:", **saves):
            _save(cut)
        with st.popover("As a command", icon=":material/terminal:"):
            st.caption("The same thresholds from the command line:")
            with (
                failures_shown()
            ):  # here alone: the board keeps working after its data set was removed
                st.code(_command(cut), language=None, wrap_lines=True)
        link_to(
            "launch",
            "Launch with these stages",
            ":material/rocket_launch:",
            **{name: params.get_all(name) for name in _TAKEN_ALONG},
        )


def _presets(cut: Cut, margins: FloatArray) -> None:
    presets = {
        "Reset to defaults": (Cut.as_guided, cut.is_as_guided),
        "As in the recipe": (Cut.as_in_recipe, not cut.overrides),
        "Twice as many pairs": (lambda now: _scaled(now, margins, 2), False),
        "Half as many pairs": (lambda now: _scaled(now, margins, 0.5), False),
    }
    for title, (change, is_now) in presets.items():
        st.button(title, disabled=is_now, width="stretch", on_click=change_cut, args=(change,))
    st.caption("The last two move all thresholds of a stage, each by the same share of its way.")


def _scaled(cut: Cut, margins: FloatArray, factor: float) -> Cut:
    """All stages, as far as there are pairs."""
    moves: dict[str, float] = {}
    for stage in cut.recipe.stages:
        moves |= scaled(stage, margins, factor) or {}
    return cut.with_moves(moves)


@st.dialog("Save recipe")
@guarded
def _save(cut: Cut) -> None:
    st.text("A run keeps the version it was started with, whatever you save later.")
    words = st.text_input("Name", value=cut.recipe.name, max_chars=60)
    name = recipe_name(words)
    if not name:
        st.caption("Use at least one letter from a to z, or a digit.")
    elif name != words:
        st.caption(f"Saved as {plain_markdown(name)}, which files and commands can be named after.")
    if st.button("Save", type="primary", disabled=not name):
        key = save_cut(cut, name)
        keep_cut(from_overrides(key, recipe_of(key), []))
        st.rerun()


def _command(cut: Cut) -> str:
    data_set = data_sets.get(studio().database, int(params.get("data")))
    words = ["grice", "stages", data_word(data_set), "--recipe", recipe_word(cut)]
    sets = "".join(f" \\\n  --set {shlex.quote(override)}" for override in cut.overrides)
    return f"{environment()}{shlex.join(words)}{sets}"
