"""Making room: what no one needs any more, and a button that throws it away."""

import streamlit as st

from app.state.run_queue import run_queue
from app.text.formatting import count_of, size
from app.ui.allowed import allowed
from app.ui.errors import failures_shown
from grice_core.store.actors import Role
from grice_core.store.artifacts import GRACE_S

_FOUND, _DONE = "garbage found", "garbage collected"


def garbage_view() -> None:
    """Look first, then throw away."""
    st.subheader("Unused files", anchor=False)
    st.caption(
        "Files that no data set, detector or run needs, and scratch folders of finished runs; kept for "
        f"{GRACE_S / 3600:.0f} hours, since a run may be about to use them."
    )
    with failures_shown():
        _act()


def _act() -> None:
    found = st.session_state.get(_FOUND)
    if found is None or not found.num_files:
        if st.button("Find unused files", icon=":material/search:"):
            st.session_state[_FOUND] = run_queue().cleanup.garbage()
            st.session_state.pop(_DONE, None)
            st.rerun()
        if found is not None:
            st.text("No unused files.")
    else:
        amount = f"{count_of(found.num_files, 'file')}, {size(found.size_bytes)}"
        can = allowed(needs=Role.ADMIN)
        if st.button(f"Remove {amount}", icon=":material/delete:", **can):
            st.session_state[_DONE] = run_queue().cleanup.collect_garbage()
            st.session_state.pop(_FOUND)
            st.rerun()
    done = st.session_state.get(_DONE)
    if done is not None:
        st.success(f"Removed {count_of(done.num_files, 'file')}, {size(done.size_bytes)}.")
