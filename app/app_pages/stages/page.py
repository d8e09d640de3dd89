"""Stages: what will each stage learn from?"""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.stages.side_effects import reach_line
from app.app_pages.stages.stage_board import stage_board
from app.state.recipe_draft import current_cut, keep_cut, recipe_titles
from app.state.session import choose_data_set, known_data_sets, open_data
from app.state.threshold_edits import Cut
from app.state.worked_on import evaluate_on, work_on
from app.text.formatting import stage_title
from app.ui.leakage_view import choose_evaluation, left_out_of_training
from app.ui.page import Page
from app.url import params
from app.url.navigation import link_to
from app.url.widget_keys import is_current, key_among
from app.url.widgets import linked_segments
from grice_core.recipes.config import Recipe
from grice_core.store.tables import DataSet


def show() -> None:
    """The page."""
    st.title("Stages")
    known = known_data_sets()
    if not known:
        st.info(
            "There are no pairs yet. Upload some on the Data page first.",
            icon=":material/table_rows:",
        )
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    left, middle, right = st.columns(3)
    with left:
        data_set = choose_data_set(known)
    with middle:
        cut = _choose_recipe()
    if not data_set.num_scored:
        _explain_unscored(data_set)
        return
    with right:
        evaluation = choose_evaluation(data_set, known, or_held_out=True)
    evaluate_on(None if evaluation is None else evaluation.id, data_set.id)
    exclude = left_out_of_training(data_set, evaluation, cut.recipe.evaluation.num_prompts)
    work_on("leakage", params.get_all("leakage"))
    _explain_rounds(cut.recipe)
    names = [stage.name for stage in cut.recipe.stages if not stage.is_from_model]
    if not names:
        return
    only = _choose_stage(names)
    data = open_data(data_set.artifact_sha256)
    stage_board(data, exclude, only)
    reach_line(cut.recipe, data)


def _choose_recipe() -> Cut:
    titles = recipe_titles()
    cut = current_cut(titles)
    keep_cut(cut)
    titles.setdefault(cut.key, f"{cut.recipe.name} (an older version)")
    widget = key_among("recipe choice", titles, cut.key)

    def choose() -> None:
        # A browser may also say once more what it was told, which is no choice.
        if is_current(widget) and st.session_state[widget] != cut.key:
            params.put("recipe", st.session_state[widget])
            params.drop("set")

    st.selectbox(
        "Recipe",
        list(titles),
        list(titles).index(cut.key),
        key=widget,
        format_func=lambda key: titles[key],
        on_change=choose,
    )
    return cut


def _choose_stage(names: Sequence[str]) -> str | None:
    """All stages, or the one that a user wants to see alone."""
    if len(names) < 2:
        return None
    every = "all stages"
    chosen = linked_segments("Stages", "stage", [every, *names], stage_title)
    return None if chosen == every else chosen


def _explain_rounds(recipe: Recipe) -> None:
    """Why some stages are not on the board."""
    titles = [stage_title(stage.name) for stage in recipe.stages if stage.is_from_model]
    if titles:
        st.caption(
            f"{', '.join(titles)}: pairs are sampled from the model when the stage begins, so there is nothing "
            "to cut here."
        )


def _explain_unscored(data_set: DataSet) -> None:
    st.info(
        f"None of the {data_set.num_usable:,} pairs is scored, so no stage could keep any. "
        "Score them with a detector first.",
        icon=":material/gavel:",
    )
    link_to(
        "detector",
        "Score them with a detector",
        ":material/gavel:",
        detector_view="Score",
        data=str(data_set.id),
    )


PAGE = Page("Stages", ":material/content_cut:", 3, show)
