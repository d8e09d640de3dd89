"""Runs: is it going well, and when is it done?"""

from collections.abc import Mapping

import streamlit as st

from app.app_pages.runs.pipeline_view import pipeline_view
from app.app_pages.runs.pipeline_words import is_active
from app.app_pages.runs.queue_view import queue_view
from app.app_pages.runs.settings_that_differ import settings_that_differ
from app.state.pace import of_earlier_runs
from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.settings import app_settings
from app.ui.errors import guarded
from app.ui.page import Page
from app.url.navigation import link_to
from app.url.widgets import linked_selectbox, linked_several
from grice_core.store import pipelines, runs
from grice_core.store.pipelines import PipelineSummary
from grice_core.store.states import RunState

REFRESH_S = app_settings().refresh_s
_MOST_OTHERS = 3


def show() -> None:
    """The page."""
    st.title("Runs")
    known = {str(found.pipeline.id): found for found in pipelines.page(studio().database)}
    if not known:
        st.info("No pipelines yet. Launch one to follow it here.", icon=":material/rocket_launch:")
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    left, right = st.columns([3, 2])
    titles = {key: f"{key} · {found.pipeline.name}" for key, found in known.items()}
    with left:
        default = _busiest(known)
        chosen = linked_selectbox("Pipeline", "pipeline", list(known), titles.__getitem__, default)
    with right:
        others = [key for key in known if key != chosen]
        over = linked_several("Overlay another pipeline", "over", others, titles.__getitem__)[
            :_MOST_OTHERS
        ]
    pipeline = known[chosen].pipeline
    _watch(chosen)
    beside = [known[key].pipeline for key in over]
    is_live = is_active(runs.of_pipeline(studio().database, pipeline.id))
    pace = of_earlier_runs(studio(), pipeline.base)
    live = st.fragment(pipeline_view, run_every=REFRESH_S if is_live else None)
    live(pipeline, beside, pace)
    settings_that_differ([pipeline, *beside])
    with st.expander("Queue", icon=":material/low_priority:", expanded=_any_waits(known)):
        queue_view()


def _busiest(known: Mapping[str, PipelineSummary]) -> str:
    """The newest pipeline that runs, else the newest."""
    running = (
        key
        for key, found in known.items()
        if any(run.state is RunState.RUNNING for run in found.runs)
    )
    return next(running, next(iter(known)))


def _any_waits(known: Mapping[str, PipelineSummary]) -> bool:
    """Whether more than one pipeline has something to do."""
    return sum(not found.is_finished() for found in known.values()) > 1


def _stands(pipeline_id: str) -> tuple[object, ...]:
    """What the page has to be drawn anew for, however little else is drawn."""
    found = pipelines.page(studio().database, limit=1)
    chain = runs.of_pipeline(studio().database, int(pipeline_id))
    newest = found[0].pipeline.id if found else 0
    return (newest, *((run.state, run.attempt, run.round, run.stop_requested) for run in chain))


def _watch(pipeline_id: str) -> None:
    """See to it that what another tab, or a worker, has changed is shown here soon."""
    shown = _stands(pipeline_id)

    @st.fragment(run_every=REFRESH_S)
    @guarded
    def look() -> None:
        run_queue().take_from_dead()
        if _stands(pipeline_id) != shown:
            st.rerun()

    look()


PAGE = Page("Runs", ":material/monitoring:", 6, show)
