"""Runs that stand on their own, such as a detector in the making: how far they are, what they made."""

from collections import Counter

import streamlit as st

from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.stored_spec import reading
from app.text.formatting import plain_markdown
from app.text.run_text import reason_for_waiting, standing
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded, show_error
from app.url.navigation import link_to
from grice_core.errors import InputError
from grice_core.store import queue_lines, runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Run
from grice_core.store.targets import run_target
from worker.client import DetectorRequest, ImportRequest

_NUM_SHOWN = 5


def ask_for_detector(request: DetectorRequest | ImportRequest) -> int | None:
    """Ask for it; asking twice for the same gives one run, which continues if it has stopped.

    Returns its id; None if it can't be asked for, which is then shown.
    """
    queue = run_queue()
    try:
        if isinstance(request, ImportRequest):
            run_id = queue.detectors.take_in(request)
        else:
            run_id = queue.detectors.train(request)
    except InputError as error:
        show_error(error)
        return None
    state = runs.get(studio().database, run_id).state
    if state in {RunState.FAILED, RunState.CANCELLED}:
        run_queue().resume(run_id)
    if state is RunState.SUCCEEDED:
        st.success(f"Run {run_id} has already done exactly this.", icon=":material/check:")
    else:
        st.success(f"Run {run_id} is in the queue.", icon=":material/schedule:")
    return run_id


@st.fragment(run_every=2)
@guarded
def own_runs(kind: RunKind) -> None:
    """The latest runs of a kind, live, each with what came out of it."""
    latest = runs.page(studio().database, RunFilter(kinds=(kind,)), limit=_NUM_SHOWN)
    if not latest:
        return
    st.subheader("Runs", anchor=False)
    waiting = _reasons()
    for run in latest:
        with st.container(border=True):
            _show(run, waiting.get(run.id))


def _reasons() -> dict[int, str]:
    """Why each waiting run waits."""
    database = studio().database
    waiting = queue_lines.lines(database)
    workers = Counter(worker.device for worker in run_queue().workers()) if waiting else {}
    paused = queue_lines.paused(database)
    return {line.first.id: reason_for_waiting(line, workers, paused) for line in waiting}


def _show(run: Run, reason: str | None) -> None:
    with failures_shown(), reading(run):
        _show_readable(run, reason)


def _show_readable(run: Run, reason: str | None) -> None:
    name = run.spec.get("name") or run.spec["data"]["name"]
    sentence = f"{run.id} · {name} · {standing(run)}"
    if run.started_by:
        sentence += f", asked for by {run.started_by}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(sentence if reason is None else f"{sentence}: {reason}")
        _act(run)
    if run.state is RunState.RUNNING:
        st.progress(min(run.step / run.num_steps, 1.0) if run.num_steps else 0.0)
    if run.error and not run.state.is_waiting():
        st.caption(plain_markdown(run.error))
    for remark in (run.result or {}).get("remarks", ()):
        st.caption(plain_markdown(remark))


def _act(run: Run) -> None:
    """What can be done next about a run: look at what it made, stop it, let it continue."""
    result = run.result or {}
    if run.state is RunState.SUCCEEDED and "detector_id" in result:
        detector = str(result["detector_id"])
        link_to("detector", "Look at the detector", ":material/gavel:", detector=detector)
    elif run.state is RunState.SUCCEEDED and "data_set_id" in result:
        data = str(result["data_set_id"])
        link_to("data", "Look at the scored pairs", ":material/table_rows:", data=data)
    elif run.state in {RunState.FAILED, RunState.CANCELLED}:
        if st.button("Resume", key=f"resume {run.id}", **allowed(target=run_target(run))):
            run_queue().resume(run.id)
    elif not run.stop_requested and st.button(
        "Stop", key=f"stop {run.id}", **allowed(target=run_target(run))
    ):
        run_queue().stop(run.id)
