"""System: is everything there that runs need?"""

import subprocess
import sys

import streamlit as st

from app.components.garbage_view import garbage_view
from app.components.number_table import number_table
from app.components.people_view import people_view
from app.components.system_facts import queue_rows, storage_rows, version_rows, worker_rows
from app.failures import guarded
from app.run_queue import run_queue
from app.session import studio
from app.wording import count_of
from grice_core.errors import StoreError
from grice_core.store import runs, sizes
from grice_core.store.references import Collected

_DOCTOR_S = 120


def show() -> None:
    """The page."""
    st.title("System")
    _live()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Storage", anchor=False)
        number_table(("", ""), list(storage_rows(studio(), _stored())), key="storage")
        garbage_view()
    with right:
        st.subheader("Versions", anchor=False)
        number_table(("", ""), list(version_rows()), key="versions")
        people_view()
    _doctor()


@st.cache_data(ttl=60, show_spinner="Counting files …")
def _stored() -> Collected:
    return sizes.stored_files(studio().artifacts)


@st.fragment(run_every=5)
@guarded
def _live() -> None:
    """Workers and queue, which change while one watches."""
    queue = run_queue()
    workers = queue.workers()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Workers", anchor=False)
        if workers:
            titles = ("worker", "device", "memory free", "doing")
            number_table(titles, list(worker_rows(workers)), key="workers")
            st.caption(f"{count_of(len(workers), 'worker')} listening.")
        else:
            st.warning("No worker is listening. `grice up` starts one with everything else.")
    with right:
        st.subheader("Queue", anchor=False)
        counts = runs.count_by_state(studio().database)
        number_table(("", "runs"), list(queue_rows(counts, queue.is_available())), key="queue")


def _doctor() -> None:
    st.subheader("Doctor", anchor=False)
    st.caption("Checks versions, GPU, disk, database, artifacts, queue, workers and the hub.")
    if st.button("Examine now", icon=":material/stethoscope:"):
        with st.spinner("Looking at every part …"):
            st.session_state["doctor"] = _examine()
    if "doctor" in st.session_state:
        st.code(st.session_state["doctor"], language=None, wrap_lines=True)


def _examine() -> str:
    """What `grice doctor` says; a process of its own, since it loads torch."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", "doctor"],
            capture_output=True,
            text=True,
            timeout=_DOCTOR_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StoreError(
            f"the doctor was not done within {_DOCTOR_S} s; run `grice doctor`"
        ) from None
    return (done.stdout + done.stderr).strip()
