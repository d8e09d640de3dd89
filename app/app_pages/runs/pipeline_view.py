"""A pipeline as its chain of runs: where it stands, one of its runs, what came out."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from app.app_pages.runs.pipeline_controls import pipeline_controls
from app.app_pages.runs.pipeline_words import pipeline_standing
from app.app_pages.runs.run_view import run_view
from app.state.pace import Pace
from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.stored_spec import why_unreadable
from app.text.formatting import plain_markdown, sentence, short_path
from app.text.run_text import chain_label, current, reason_for_waiting
from app.ui.errors import guarded
from app.url import params
from app.url.navigation import link_to
from app.url.widget_keys import is_current, widget_key
from app.url.widgets import linked
from grice_core.store import queue_lines, runs
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Pipeline, Run


@guarded
def pipeline_view(pipeline: Pipeline, beside: Sequence[Pipeline], pace: Pace | None) -> None:
    """Show a pipeline.

    Args:
        beside: others, whose curves are drawn beside its own.
        pace: of earlier runs with its base, if there were any.
    """
    chain = runs.of_pipeline(studio().database, pipeline.id)
    if not chain:  # a user has just deleted it, which the page is about to see
        return
    unreadable = why_unreadable(pipeline)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {plain_markdown(pipeline_standing(chain, pace))}", width="stretch")
        pipeline_controls(pipeline, chain)
    if unreadable is None:
        _caption(pipeline)
    else:
        st.error(plain_markdown(sentence(unreadable)), icon=":material/error:")
    run = _choose_run(chain)
    run_view(run, _reason(run), chain, list(_same_stage(run, chain, beside)))
    evaluation = next((run for run in chain if run.kind is RunKind.EVALUATE), None)
    if evaluation and evaluation.state is RunState.SUCCEEDED:
        shown = str(pipeline.id)
        link_to("compare", "Compare the results", ":material/balance:", pipeline=shown)


def _caption(pipeline: Pipeline) -> None:
    short = short_path(pipeline.base)
    seed, precision = (pipeline.spec.get(name, "–") for name in ("seed", "precision"))
    st.caption(
        plain_markdown(f"base {short} · seed {seed} · precision {precision}"),
        help=None if short == pipeline.base else plain_markdown(pipeline.base),
    )


def _choose_run(chain: Sequence[Run]) -> Run:
    by_id = {str(run.id): run for run in chain}

    def keep() -> None:
        if is_current(key):
            params.put("run", st.session_state[key])

    # Not named by the link: the run where something happens, which changes as the chain continues.
    run = linked("run", list(by_id), str(current(chain).id))
    key = widget_key("chain", run)
    chosen = st.segmented_control(
        "Chain",
        list(by_id),
        key=key,
        default=run,
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
    line = next((line for line in queue_lines.lines(database) if line.first.id == run.id), None)
    if line is None:
        return "runs before it come first"
    num_workers = Counter(worker.device for worker in run_queue().workers())
    return reason_for_waiting(line, num_workers, queue_lines.paused(database))


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
