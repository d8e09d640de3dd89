"""Stages: what will each stage learn from?"""

import streamlit as st

from app.chosen_recipe import current_cut, keep_cut, recipe_titles
from app.components.stage_board import stage_board
from app.navigation import link_to
from app.session import choose_data_set, known_data_sets, open_data
from app.widget_keys import widget_key
from grice_core.store.tables import DataSet


def show() -> None:
    """The page."""
    st.title("Stages")
    known = known_data_sets()
    if not known:
        st.info(
            "There are no pairs to cut yet. Upload some on the Data page, and come back.",
            icon=":material/table_rows:",
        )
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    left, right = st.columns(2)
    with left:
        data_set = choose_data_set(known)
    with right:
        _choose_recipe()
    if not data_set.num_scored:
        _explain_unscored(data_set)
        return
    stage_board(open_data(data_set.artifact_sha256))


def _choose_recipe() -> None:
    titles = recipe_titles()
    cut = current_cut(list(titles))
    keep_cut(cut)
    titles.setdefault(cut.key, f"{cut.recipe.name} (an older version)")
    widget = widget_key("recipe choice", cut.key)

    def choose() -> None:
        st.query_params["recipe"] = st.session_state[widget]
        st.query_params["set"] = []

    st.selectbox(
        "Recipe",
        list(titles),
        key=widget,
        format_func=lambda key: titles[key],
        on_change=choose,
    )


def _explain_unscored(data_set: DataSet) -> None:
    st.info(
        f"None of the {data_set.num_usable:,} pairs is scored, so no stage could keep any. "
        "Score them with a detector first.",
        icon=":material/gavel:",
    )
