"""What is running, seen from every page."""

import streamlit as st

from app.state.run_queue import run_queue
from app.state.session import studio
from app.ui.errors import guarded
from app.ui.running_work import line_of, share_done
from app.ui.sign_in import note_presence
from grice_core.store import queue_lines, runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunState

_BUSY_S, _IDLE_S = 3, 15
"""How often it looks: each look is a message that a page may have to wait for."""


def status_line() -> None:
    """One line per running run, and how many wait; live."""
    database = studio().database
    counts = runs.count_by_state(database)
    is_busy = bool(counts.get(RunState.RUNNING) or queue_lines.num_waiting(database))
    st.fragment(_status, run_every=_BUSY_S if is_busy else _IDLE_S)()


@guarded
def _status() -> None:
    note_presence()
    run_queue().take_from_dead()
    database = studio().database
    counts = runs.count_by_state(database)
    num_waiting = queue_lines.num_waiting(database)
    if not counts.get(RunState.RUNNING) and not num_waiting:
        st.caption("Nothing is running.")
        return
    for run in runs.page(database, RunFilter(states=(RunState.RUNNING,)), limit=4):
        st.progress(share_done(run), text=line_of(run))
    if num_waiting:
        st.caption(f"{num_waiting:,} waiting")
