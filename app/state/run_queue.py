"""The queue's door, opened once per process."""

import streamlit as st

from app.state.session import studio
from worker.client import RunQueue


@st.cache_resource(show_spinner=False)
def run_queue() -> RunQueue:
    """The queue of this installation."""
    return RunQueue(studio().database, studio().artifacts)
