"""Compare: did it work, and can I believe it?"""

from functools import partial

import streamlit as st

from app.app_pages.compare.answer_browser import answer_browser
from app.app_pages.compare.blind_ballot import blind_ballot
from app.app_pages.compare.comparing import compared, evaluation_of, incomparable_with, openable
from app.app_pages.compare.comparison_tables import CHANGE_TITLES, change_blocks
from app.app_pages.compare.comparison_views import (
    changes_view,
    model_colours,
    pareto_view,
    preference_shift_view,
    seeds_view,
)
from app.app_pages.compare.judges_view import judges_view
from app.app_pages.compare.models_view import models_view
from app.app_pages.compare.texts_view import between_texts, texts_view
from app.app_pages.compare.threshold_judging import threshold_judging
from app.app_pages.compare.verdict_view import verdict_view
from app.state.evaluations import EvaluatedPipeline, evaluated_pipelines
from app.state.session import studio
from app.text.formatting import plain_markdown
from app.ui.number_table import number_table
from app.ui.page import Page
from app.ui.unreadable_view import unreadable_view
from app.url.navigation import link_to
from app.url.widgets import REMOVED, linked_segments, linked_selectbox
from grice_core.evaluation.overview import Overview
from grice_core.evaluation.text_rows import HEADING

_ALONE = "none"
_MOST_BESIDE = 12
"""Pipelines that are shown together."""


def show() -> None:
    """The page."""
    st.title("Compare")
    opened = evaluated_pipelines(studio())
    unreadable_view(opened.unreadable)
    known = {str(pipeline.id): pipeline for pipeline in opened.found}
    if not known:
        st.info(
            "No pipeline has been evaluated yet. Launch one; its verdict will stand here.",
            icon=":material/balance:",
        )
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    chosen, other = _choose(known)
    usual = tuple(evaluation_of(chosen).models[0].thresholds.tolist())
    thresholds = threshold_judging(usual)
    found = compared([pipeline for pipeline in (chosen, other) if pipeline], thresholds)
    verdict_view(chosen, found.pipelines[0], model_colours(found.pipelines[0].stored))
    if other:
        _between(chosen, other, found)
    _views(chosen, list(known.values()), found)


def _choose(
    known: dict[str, EvaluatedPipeline],
) -> tuple[EvaluatedPipeline, EvaluatedPipeline | None]:
    left, right = st.columns(2)
    with left:
        chosen = known[
            linked_selectbox(
                "Pipeline",
                "pipeline",
                list(known),
                lambda key: known[key].title,
                missing=f"it has not been evaluated yet, {REMOVED}",
            )
        ]
    others = {key: pipeline for key, pipeline in known.items() if pipeline != chosen}
    reasons = incomparable_with(chosen, list(others.values()))
    others = dict(sorted(others.items(), key=lambda item: item[1].id in reasons))

    def title(key: str) -> str:
        if key not in others:
            return "no other pipeline"
        reason = reasons.get(others[key].id)
        return f"✗ {others[key].title}: {reason}" if reason else others[key].title

    with right:
        against = linked_selectbox("Compare final stage with", "against", [_ALONE, *others], title)
    other = others.get(against)
    if other is not None and other.id in reasons:
        st.info(
            f"Not compared: {plain_markdown(chosen.title)} and {plain_markdown(other.title)} have "
            f"{reasons[other.id]}.",
            icon=":material/link_off:",
        )
        return chosen, None
    return chosen, _readable(other)


def _readable(other: EvaluatedPipeline | None) -> EvaluatedPipeline | None:
    """The other pipeline, unless its evaluation can't be read, which is said."""
    if other is None:
        return None
    found, reasons = openable([other])
    for reason in reasons:
        st.warning(plain_markdown(reason), icon=":material/link_off:")
    return found[0] if found else None


def _between(chosen: EvaluatedPipeline, other: EvaluatedPipeline, found: Overview) -> None:
    st.subheader("Against the other pipeline", anchor=False)
    st.caption(
        f"From the last model of {plain_markdown(chosen.title)} to the last model of "
        f"{plain_markdown(other.title)}, on {found.between[0].change.num_prompts:,} prompts that "
        "both answered."
    )
    for _, cells in change_blocks(found.between):
        number_table(CHANGE_TITLES, cells, key=f"between {chosen.id} {other.id}")
    for texts in found.texts_between:
        with st.expander(HEADING):
            between_texts(texts, key=f"{chosen.id} {other.id}")


def _views(chosen: EvaluatedPipeline, known: list[EvaluatedPipeline], found: Overview) -> None:
    """One of several views, which stands in the link."""
    view = found.pipelines[0]
    models = view.stored.models
    alike = [one for one in known if one.all_but_seed == chosen.all_but_seed]
    seeds = sorted(alike[:_MOST_BESIDE], key=lambda one: one.seed)
    others = [one for one in known if one.judged_by == chosen.judged_by and one != chosen]
    views = {
        "Answers": partial(
            answer_browser, models, model_colours(view.stored), f"pipeline {chosen.id}"
        ),
        "Judge blindly": partial(blind_ballot, chosen.run_id, view.stored),
        "Changes": partial(changes_view, chosen, view),
        HEADING: partial(texts_view, chosen, view.texts),
        "Seeds": partial(seeds_view, seeds),
        "Trade-offs": partial(pareto_view, [chosen, *others][:_MOST_BESIDE]),
        "Implicit reward per pair": partial(preference_shift_view, chosen, view),
        "Models": partial(models_view, chosen, [model.name for model in models[1:]]),
    }
    if view.judges:
        views["Two judges"] = partial(judges_view, chosen, view)
    views[linked_segments("View", "view", list(views))]()
    link_to("playground", "Try these models", ":material/forum:", pipeline=str(chosen.id))


PAGE = Page("Compare", ":material/balance:", 8, show)
