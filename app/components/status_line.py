"""What is running, seen from every page."""

import streamlit as st

from app.components.running_work import line_of, share_done
from app.failures import guarded
from app.session import studio
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import WAITING, RunState


@st.fragment(run_every=3)
@guarded
def status_line() -> None:
    """One line per running run, and how many wait."""
    database = studio().database
    counts = runs.count_by_state(database)
    num_waiting = sum(counts.get(state, 0) for state in WAITING)
    if not counts.get(RunState.RUNNING) and not num_waiting:
        st.caption("Nothing is running.")
        return
    for run in runs.page(database, RunFilter(states=(RunState.RUNNING,)), limit=4):
        st.progress(share_done(run), text=line_of(run))
    if num_waiting:
        st.caption(f"{num_waiting:,} waiting")
