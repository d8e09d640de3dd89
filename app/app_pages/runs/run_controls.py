"""Stop, resume, run again."""

from collections.abc import Callable

import streamlit as st

from app.state.run_queue import run_queue
from app.ui.allowed import allowed
from app.ui.errors import failures_shown
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from grice_core.store.targets import run_target


def run_controls(run: Run) -> None:
    """The buttons that make sense for a run as it stands."""
    with st.container(horizontal=True, width="content"):
        if run.state in {RunState.RUNNING, RunState.QUEUED, RunState.INTERRUPTED}:
            _button(
                run,
                "Stop",
                ":material/stop:",
                lambda: run_queue().stop(run.id),
                disabled=run.stop_requested,
                explained="A running job writes a checkpoint first and can be resumed from it.",
            )
        if run.state in {RunState.FAILED, RunState.CANCELLED}:
            _button(
                run,
                "Resume",
                ":material/play_arrow:",
                lambda: run_queue().resume(run.id),
                explained="Resumes from the last checkpoint.",
            )
        if run.state.is_finished():
            _button(
                run,
                "Run again",
                ":material/replay:",
                lambda: run_queue().rerun(run.id),
                explained="From scratch. Runs that depend on it are marked as stale.",
            )


def _button(
    run: Run,
    label: str,
    icon: str,
    act: Callable[[], object],
    *,
    explained: str,
    disabled: bool = False,
) -> None:
    can = allowed(target=run_target(run), unless=disabled, explained=explained)
    if st.button(label, icon=icon, key=f"run {label}", **can):
        with failures_shown():
            act()
            st.rerun()
