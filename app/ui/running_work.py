"""Work that runs or waits, one line each."""

import streamlit as st

from app.state.run_queue import run_queue
from app.state.session import studio
from app.text.formatting import count_of
from app.text.round_text import beyond_steps
from app.text.run_text import action, progress_of, stands_still
from app.ui.errors import guarded
from app.url.navigation import link_to
from grice_core.store import queue_lines, runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunState
from grice_core.store.tables import Run

_NUM_SHOWN = 5
_EVERY_S = 3


@st.fragment(run_every=_EVERY_S)
@guarded
def running_work() -> None:
    """What runs, each with how far it is, and how many more wait; nothing if nothing does."""
    database = studio().database
    running = runs.page(database, RunFilter(states=(RunState.RUNNING,)), limit=_NUM_SHOWN)
    num_waiting = queue_lines.num_waiting(database)
    if not running and not num_waiting:
        return
    st.subheader("Running" if running else "Waiting", anchor=False)
    for run in running:
        st.progress(share_done(run), text=line_of(run))
    waiting = f", {count_of(num_waiting, 'run')} waiting" if running else ""
    label = f"Follow it live{waiting}" if running else count_of(num_waiting, "run") + " waiting"
    link_to("runs", label, ":material/monitoring:")
    if num_waiting and not run_queue().workers():
        st.caption(":orange[**!**] No worker is listening: “grice up” starts one.")


def share_done(run: Run) -> float:
    """How far a run is, 0 to 1; of a round, how far the phase is that it is in."""
    phase = beyond_steps(run)
    if phase is not None:
        return phase.share
    return min(run.step / run.num_steps, 1.0) if run.num_steps else 0.0


def line_of(run: Run) -> str:
    """A run in one line: `Run 3: train Stage 1, running, step 318 of 1,041`."""
    if stands_still(run):
        return f"Run {run.id}: {action(run.kind, run.stage)}, stalled: see its page"
    parts = [f"Run {run.id}: {action(run.kind, run.stage)}", run.state.value, progress_of(run)]
    return ", ".join(filter(None, parts))
