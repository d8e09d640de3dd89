"""System: is everything there that runs need?"""

import streamlit as st

from app.app_pages.system.audit_view import audit_view
from app.app_pages.system.doctor_view import doctor_view
from app.app_pages.system.garbage_view import garbage_view
from app.app_pages.system.people_view import people_view
from app.app_pages.system.retention_view import retention_view
from app.app_pages.system.system_facts import queue_rows, storage_rows, version_rows, worker_rows
from app.state.run_queue import run_queue
from app.state.session import studio
from app.text.formatting import count_of
from app.ui.errors import guarded
from app.ui.number_table import number_table
from app.ui.page import Page
from grice_core.store import runs, sizes
from grice_core.store.references import Collected


def show() -> None:
    """The page."""
    st.title("System")
    _live()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Storage", anchor=False)
        number_table(("", ""), list(storage_rows(studio(), _stored())), key="storage")
        garbage_view()
        retention_view()
    with right:
        st.subheader("Versions", anchor=False)
        number_table(("", ""), list(version_rows()), key="versions")
        people_view()
    doctor_view()
    audit_view()


# No `cache_data`: that asks for a running server when this is imported, and pages are imported before.
@st.cache_resource(ttl=60, show_spinner="Counting files …")
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
            st.warning("No worker is running. `grice up` starts one with everything else.")
    with right:
        st.subheader("Queue", anchor=False)
        counts = runs.count_by_state(studio().database)
        number_table(("", "runs"), list(queue_rows(counts, queue.is_available())), key="queue")


PAGE = Page("System", ":material/dns:", 10, show)
