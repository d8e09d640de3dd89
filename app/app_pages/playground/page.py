"""Playground: what do the models say to this?"""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.playground.evaluation_prompts import add_prompt, evaluation_set_of
from app.app_pages.playground.playground_answers import playground_answers
from app.app_pages.playground.playground_form import playground_form
from app.state.evaluations import TrainedPipeline, trained_pipelines
from app.state.run_queue import run_queue
from app.state.session import open_data, studio
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import failures_shown
from app.ui.page import Page
from app.ui.unreadable_view import unreadable_view
from app.url import params
from app.url.navigation import link_to
from app.url.widgets import REMOVED, linked_selectbox
from grice_core.errors import NotFoundError
from worker.client import PlaygroundRequest

_LOOK_EVERY_S = 0.3
_ADDED = "playground added"


def show() -> None:
    """The page."""
    st.title("Playground")
    opened = trained_pipelines(studio())
    unreadable_view(opened.unreadable)
    known = {str(pipeline.id): pipeline for pipeline in opened.found}
    if not known:
        st.info(
            "No stage has been trained yet. Launch a pipeline; then all its models answer here, "
            "side by side.",
            icon=":material/forum:",
        )
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    chosen = linked_selectbox(
        "Pipeline",
        "pipeline",
        list(known),
        lambda key: known[key].title,
        missing=f"none of its stages is trained yet, {REMOVED}",
    )
    request = playground_form(known[chosen], _examples(known[chosen]))
    if request is not None:
        with failures_shown():
            params.put("asked", run_queue().playground.ask(request))
    asked = params.get("asked")
    view = run_queue().playground.read(asked) if asked else None
    if view is None or not isinstance(view.request, PlaygroundRequest):
        if asked:
            st.caption("This question has been forgotten; ask again.")
        return
    is_finished = view.standing.is_finished()
    st.fragment(playground_answers, run_every=None if is_finished else _LOOK_EVERY_S)(asked)
    if is_finished:
        with failures_shown():
            _keep_prompt(view.request)


def _examples(pipeline: TrainedPipeline) -> Sequence[str]:
    """What the models were judged on, if it is still there."""
    try:
        held_out = evaluation_set_of(studio(), pipeline.id)
    except NotFoundError:
        return ()
    return open_data(held_out.artifact_sha256).table.prompts


def _keep_prompt(request: PlaygroundRequest) -> None:
    """The prompt may become one that models are judged on."""
    held_out = evaluation_set_of(studio(), request.pipeline_id)
    added = st.session_state.get(_ADDED)
    if added is not None and added.prompt == request.prompt:
        st.success(plain_markdown(added.sentence))
        link_to("launch", "Launch with it", ":material/rocket_launch:", eval=str(added.data_set_id))
    elif st.button(
        "Add to the evaluation set",
        icon=":material/playlist_add:",
        **allowed(
            explained=f"Makes a new set of the prompts of {plain_markdown(held_out.name)} and this one; "
            "results that were judged on the old set stay as they are."
        ),
    ):
        st.session_state[_ADDED] = add_prompt(studio(), held_out, request.prompt)
        st.rerun()


PAGE = Page("Playground", ":material/forum:", 9, show)
