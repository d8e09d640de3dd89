"""Waiting for what is computed beside the page."""

from concurrent.futures import Future
from typing import Any

import streamlit as st

from app.ui.errors import guarded

_AT_ONCE_S = 0.5
"""What takes no longer is shown with the page."""


def is_there(future: Future[Any], meanwhile: str) -> bool:
    """Whether a result is there; until then a sentence, and the page runs again once it is."""
    try:
        future.exception(timeout=_AT_ONCE_S)
    except TimeoutError:
        _wait(future, meanwhile)
        return False
    return True


@st.fragment(run_every=1)
@guarded
def _wait(future: Future[Any], meanwhile: str) -> None:
    if future.done():
        st.rerun()
    st.caption(meanwhile)
