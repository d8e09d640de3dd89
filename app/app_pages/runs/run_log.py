"""The end of a run's log."""

import streamlit as st

from app.state.session import studio
from grice_core.store import logs

LINES = 20
_BYTES = 16_384
"""How much is read to find the last lines."""


def run_log(run_id: int) -> None:
    """The last lines of the log of the latest attempt; read only while it is open."""
    if not st.toggle("Log", key=f"log {run_id}", help=f"The last {LINES} lines, as they come."):
        return
    positions = logs.positions(studio().database, run_id)
    if not positions:
        st.caption("Nothing has been logged yet.")
        return
    latest = positions[-1]
    start = max(0, latest.size_bytes - _BYTES)
    text = logs.tail(studio().artifacts.objects, latest, start)
    st.caption(f"attempt {latest.attempt}")
    st.code(last_lines(text, LINES), language=None, wrap_lines=True)


def last_lines(text: str, count: int) -> str:
    """The last lines; of a line that a progress bar wrote over, what remained."""
    lines = [line.rsplit("\r", 1)[-1] for line in text.rstrip().split("\n")]
    return "\n".join(lines[-count:])
