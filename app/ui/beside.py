"""Waiting for what is computed beside the page."""

from concurrent.futures import Future
from typing import Any

import streamlit as st

from app.ui.errors import guarded

_AT_ONCE_S = 0.5
"""What takes no longer is shown with the page."""


def is_soon_there(future: Future[Any]) -> bool:
    """Whether a result, or an error, is there within half a second."""
    try:
        future.exception(timeout=_AT_ONCE_S)
    except TimeoutError:
        return False
    return True


@st.fragment(run_every=1)
@guarded
def wait_for(future: Future[Any], meanwhile: str) -> None:
    """A sentence until a result is there, then run the page again."""
    if future.done():
        st.rerun()
    st.caption(meanwhile)
