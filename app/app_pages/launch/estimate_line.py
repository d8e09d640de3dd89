"""What a launch would take, in one line; measured on request where nothing is known."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.app_pages.launch.judging_cost import judging
from app.state.launch_plan import LaunchPlan
from app.state.pace import Pace
from app.state.run_queue import run_queue
from app.state.session import studio
from app.text.formatting import count_of, plain_markdown, sentence
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded
from grice_core.dpo.shown import ShownPair
from grice_core.durations import rough_duration
from grice_core.store import runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from worker.client import PipelineRequest

_LOOK_EVERY_S = 1.0
_SMALL_BYTES = 100 * 2**20
"""A base model below this size is measured without being asked: that takes seconds."""


def measured_pair(request: PipelineRequest) -> ShownPair | None:
    """One of the pairs as the model will see it, if just this was measured."""
    run = run_queue().measurement(request)
    found = (run.result or {}).get("shown_pair") if run is not None else None
    return ShownPair.read(found) if found else None


def estimate_line(
    requests: Sequence[PipelineRequest], plans: Sequence[LaunchPlan], pace: Pace | None
) -> None:
    """Steps, answers, and if that is known, minutes and memory; all pipelines together."""
    num_steps, num_answers = (sum(getattr(each, name) for each in plans) for name in _COUNTS)
    several = f"{count_of(len(plans), 'pipeline')}: " if len(plans) > 1 else ""
    # All are of one data set.
    num_unscored = plans[0].num_unscored if plans and plans[0].stages else 0
    or_more = " or more" if num_unscored else ""
    at_most = "at most " if any(each.rounds for each in plans) else ""
    work = f"{several}{at_most}{num_steps:,} optimizer steps{or_more}, {num_answers:,} answers"
    work = work[:1].upper() + work[1:]
    if pace is None:
        st.markdown(f"**{work}**")
    else:
        seconds = sum(pace.seconds(each) for each in plans)
        memory = f", {pace.peak_bytes / 2**30:,.1f} GiB of memory" if pace.peak_bytes else ""
        st.markdown(f"**{work}: about {rough_duration(seconds)}{or_more}{memory}**")
        st.caption(plain_markdown(sentence(pace.source)))
    if num_unscored:
        unscored = count_of(num_unscored, "pair")
        st.caption(
            f"{unscored} without scores: what the stages keep of them is known once they are scored."
        )
    for said in judging(requests, plans):
        st.caption(plain_markdown(sentence(said)), help=_AT_MOST if at_most else None)
    _measure(requests[0], is_known=pace is not None)


_COUNTS = ("num_steps", "num_answers")
_AT_MOST = "Rounds that no longer help are the last; then less is asked."


def _measure(request: PipelineRequest, *, is_known: bool) -> None:
    """Have it measured, or say how far that is."""
    run = run_queue().measurement(request)
    if run is not None and not run.state.is_finished():
        st.fragment(_wait_for, run_every=_LOOK_EVERY_S)(run.id)
        return
    if run is not None and run.state is RunState.SUCCEEDED:
        return
    if run is not None and run.error:
        st.warning(plain_markdown(f"Measuring failed: {run.error}"))
    said = "Runs a few steps and generates a few answers where the pipeline would run."
    can_ask = allowed(explained=said)
    has_failed = run is not None and bool(run.error)
    if not (has_failed or is_known or can_ask["disabled"]) and _is_free_to_ask(request):
        _ask(request)
    if st.button("Measure now", icon=":material/timer:", **can_ask):
        _ask(request)


def _is_free_to_ask(request: PipelineRequest) -> bool:
    return _is_small(request.base) and _a_worker_is_free()


def _ask(request: PipelineRequest) -> None:
    with failures_shown():
        run_queue().measure(request)
        st.rerun()


@guarded
def _wait_for(run_id: int) -> None:
    run = runs.get(studio().database, run_id)
    if run.state.is_finished():
        st.rerun()
    st.caption(f":material/timer: {_how_far(run)}")


def _how_far(run: Run) -> str:
    if run.state is not RunState.RUNNING:
        return "Measured as soon as a worker is free …"
    since_s = max(0.0, time.time() - (run.started_at or 0.0))
    return f"A worker is measuring … {since_s:.0f} s"


def _is_small(base: str) -> bool:
    folder = Path(base).expanduser()
    if not base or not folder.is_dir():
        return False
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file()) < _SMALL_BYTES


def _a_worker_is_free() -> bool:
    return any(not worker.is_busy for worker in run_queue().workers())
