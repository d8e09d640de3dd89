"""Runs: is it going well, and when is it done?"""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from app.components.pipeline_controls import pipeline_controls
from app.components.queue_view import queue_view
from app.components.run_view import run_view
from app.components.settings_that_differ import settings_that_differ
from app.failures import guarded
from app.linked import keep_linked, linked, linked_selectbox, linked_several
from app.navigation import link_to
from app.pace import Pace, of_earlier_runs
from app.pipeline_words import is_active, pipeline_standing
from app.run_queue import run_queue
from app.run_words import chain_label, current, reason_for_waiting
from app.session import studio
from app.settings import app_settings
from app.widget_keys import is_current, widget_key
from app.wording import plain_markdown
from grice_core.store import pipelines, queue, runs
from grice_core.store.pipelines import PipelineSummary
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Pipeline, Run

REFRESH_S = app_settings().refresh_s
_MOST_OTHERS = 3


def show() -> None:
    """The page."""
    st.title("Runs")
    known = {str(found.pipeline.id): found for found in pipelines.page(studio().database)}
    if not known:
        st.info("Nothing was ever launched here.", icon=":material/rocket_launch:")
        link_to("launch", "Launch a pipeline", ":material/rocket_launch:")
        return
    left, right = st.columns([3, 2])
    titles = {key: f"{key} · {found.pipeline.name}" for key, found in known.items()}
    with left:
        default = _busiest(known)
        chosen = linked_selectbox("Pipeline", "pipeline", list(known), titles.__getitem__, default)
    with right:
        others = [key for key in known if key != chosen]
        over = linked_several("Draw beside it", "over", others, titles.__getitem__)[:_MOST_OTHERS]
    pipeline = known[chosen].pipeline
    _watch(chosen)
    beside = [known[key].pipeline for key in over]
    is_live = is_active(runs.of_pipeline(studio().database, pipeline.id))
    pace = of_earlier_runs(studio(), pipeline.base)
    st.fragment(_live, run_every=REFRESH_S if is_live else None)(pipeline, beside, pace)
    settings_that_differ([pipeline, *beside])
    with st.expander("Queue", icon=":material/low_priority:", expanded=_somebody_waits(known)):
        queue_view()


def _busiest(known: Mapping[str, PipelineSummary]) -> str:
    """The newest pipeline that runs, else the newest."""
    running = (
        key
        for key, found in known.items()
        if any(run.state is RunState.RUNNING for run in found.runs)
    )
    return next(running, next(iter(known)))


def _somebody_waits(known: Mapping[str, PipelineSummary]) -> bool:
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
        if _stands(pipeline_id) != shown:
            st.rerun()

    look()


@guarded
def _live(pipeline: Pipeline, beside: Sequence[Pipeline], pace: Pace | None) -> None:
    """What changes while one watches; it alone is run again."""
    chain = runs.of_pipeline(studio().database, pipeline.id)
    if not chain:  # somebody has just deleted it, which the page is about to see
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {plain_markdown(pipeline_standing(chain, pace))}", width="stretch")
        pipeline_controls(pipeline, chain)
    st.caption(
        plain_markdown(
            f"base {pipeline.base} · seed {pipeline.spec.get('seed', '–')} · "
            f"precision {pipeline.spec.get('precision', '–')}"
        )
    )
    run = _choose_run(chain)
    run_view(run, _reason(run), list(_same_stage(run, chain, beside)))
    evaluation = next((run for run in chain if run.kind is RunKind.EVALUATE), None)
    if evaluation and evaluation.state is RunState.SUCCEEDED:
        shown = str(pipeline.id)
        link_to("compare", "Compare what came out", ":material/balance:", pipeline=shown)


def _choose_run(chain: Sequence[Run]) -> Run:
    by_id = {str(run.id): run for run in chain}

    def keep() -> None:
        if is_current(key):
            keep_linked("run", st.session_state[key])

    # Not named by the link: the run where something happens, which changes as the chain goes on.
    key = widget_key("chain", linked("run", list(by_id), str(current(chain).id)))
    chosen = st.segmented_control(
        "Chain",
        list(by_id),
        key=key,
        format_func=lambda key: chain_label(by_id[key]),
        required=True,
        label_visibility="collapsed",
        on_change=keep,
    )
    return by_id[str(chosen)]


def _reason(run: Run) -> str | None:
    """Why a run waits, if it does."""
    if run.state is not RunState.QUEUED:
        return None
    database = studio().database
    line = next((line for line in queue.lines(database) if line.first.id == run.id), None)
    if line is None:
        return "the runs before it come first"
    num_workers = Counter(worker.device for worker in run_queue().workers())
    return reason_for_waiting(line, num_workers, queue.paused(database))


def _same_stage(run: Run, chain: Sequence[Run], beside: Sequence[Pipeline]) -> list[Run]:
    """In each of the other pipelines, the training of the same stage: by name, else by place."""
    if not run.stage:
        return []
    place = [each.id for each in chain if each.stage].index(run.id)
    found = []
    for other in beside:
        trained = [each for each in runs.of_pipeline(studio().database, other.id) if each.stage]
        named = [each for each in trained if each.stage == run.stage] or trained[place : place + 1]
        found += named[:1]
    return found
