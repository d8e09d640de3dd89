"""Runs: is it going well, and when is it done?"""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.app_pages.runs.pipeline_list import choose_pipeline
from app.app_pages.runs.pipeline_names import names_apart
from app.app_pages.runs.pipeline_view import pipeline_view
from app.app_pages.runs.pipeline_words import is_active
from app.app_pages.runs.queue_view import queue_view
from app.app_pages.runs.settings_that_differ import settings_that_differ
from app.state.pace import of_earlier_runs
from app.state.pipeline_rows import pipeline_rows
from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.settings import app_settings
from app.text.formatting import plain_markdown
from app.ui.errors import guarded
from app.ui.page import Page
from app.url import params
from app.url.navigation import link_to
from app.url.widgets import REMOVED, is_not_here, linked_several
from grice_core.errors import NotFoundError
from grice_core.store import pipeline_table, pipelines, runs
from grice_core.store.pipeline_table import PipelineRow
from grice_core.store.states import RunState
from grice_core.store.tables import Pipeline

REFRESH_S = app_settings().refresh_s
_MOST_OTHERS = 3


def show() -> None:
    """The page."""
    st.title("Runs")
    rows = pipeline_rows()
    if not rows:
        st.info("No pipelines yet. Launch one to follow it here.", icon=":material/rocket_launch:")
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    names = names_apart(rows)
    shown = _shown(rows)
    choose_pipeline(rows, names, shown)
    if shown is None:
        raise NotFoundError(is_not_here("Pipeline", params.get("pipeline"), REMOVED))
    _watch(shown.id)
    pipeline = pipelines.get(studio().database, shown.id)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        _heading(shown, names[shown.id])
    with right:
        beside = _overlaid(names, shown.id)
    is_live = is_active(runs.of_pipeline(studio().database, pipeline.id))
    pace = of_earlier_runs(studio(), pipeline.base)
    live = st.fragment(pipeline_view, run_every=REFRESH_S if is_live else None)
    live(pipeline, beside, pace)
    settings_that_differ([pipeline, *beside])
    with st.expander("Queue", icon=":material/low_priority:", expanded=_several_wait(rows)):
        queue_view()


def _shown(rows: Sequence[PipelineRow]) -> PipelineRow | None:
    """The pipeline that the link names, None if it is not there; without one the newest that runs, else
    the newest."""
    if linked := params.get("pipeline"):
        return next((row for row in rows if str(row.id) == linked), None)
    running = (row for row in rows if RunState.RUNNING in row.states)
    return next(running, rows[0])


def _heading(shown: PipelineRow, name: str) -> None:
    """Which pipeline is shown, with what people wrote on it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{shown.id} · {plain_markdown(name)}", anchor=False, width="content")
        for tag in shown.tags:
            st.badge(plain_markdown(tag), icon=":material/label:", color="gray")
    if shown.note:
        st.text(shown.note)


def _overlaid(names: Mapping[int, str], shown: int) -> list[Pipeline]:
    """The pipelines whose curves shall be drawn beside those of the one that is shown."""
    others = {str(key): f"{key} · {name}" for key, name in names.items() if key != shown}
    if not others:
        return []
    over = linked_several("Overlay another pipeline", "over", list(others), others.__getitem__)
    return [pipelines.get(studio().database, int(key)) for key in over[:_MOST_OTHERS]]


def _several_wait(rows: Sequence[PipelineRow]) -> bool:
    """Whether more than one pipeline has something to do."""
    return sum(any(not state.is_finished() for state in row.states) for row in rows) > 1


def _stands(pipeline_id: int) -> tuple[object, ...]:
    """What the page has to be drawn anew for, however little else is drawn."""
    database = studio().database
    chain = runs.of_pipeline(database, pipeline_id)
    of_runs = ((run.state, run.attempt, run.round, run.stop_requested) for run in chain)
    return (*pipeline_table.stamp(database), *of_runs)


def _watch(pipeline_id: int) -> None:
    """See to it that what another tab, or a worker, has changed is shown here soon."""
    shown = _stands(pipeline_id)

    @st.fragment(run_every=REFRESH_S)
    @guarded
    def look() -> None:
        run_queue().take_from_dead()
        if _stands(pipeline_id) != shown:
            st.rerun()

    look()


PAGE = Page("Runs", ":material/monitoring:", 7, show)
