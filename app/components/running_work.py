"""Work that runs or waits, one line each."""

import streamlit as st

from app.failures import guarded
from app.session import studio
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunState
from grice_core.store.tables import Run

_ACTIVE = (RunState.RUNNING, RunState.QUEUED, RunState.INTERRUPTED)


@st.fragment(run_every=3)
@guarded
def running_work() -> None:
    """Unfinished runs, and how far they are."""
    active = runs.page(studio().database, RunFilter(states=_ACTIVE), limit=8)
    if not active:
        return
    st.subheader("Running", anchor=False)
    for run in active:
        st.progress(share_done(run), text=line_of(run))


def share_done(run: Run) -> float:
    """How far a run is, 0 to 1."""
    return min(run.step / run.num_steps, 1.0) if run.num_steps else 0.0


def line_of(run: Run) -> str:
    """A run in one line: `Run 3: train stage1, running, step 318 of 1,041`."""
    what = f"{run.kind.replace('_', ' ')} {run.stage or ''}".strip()
    steps = f", step {run.step:,} of {run.num_steps:,}" if run.num_steps else ""
    return f"Run {run.id}: {what}, {run.state.value}{steps}"
