"""Pipelines that can't be read: named with the reason, while all others are shown."""

from collections.abc import Collection

import streamlit as st

from app.text.formatting import plain_markdown, sentence


def unreadable_view(reasons: Collection[str]) -> None:
    """One line for each pipeline that can't be read; nothing if all can."""
    for reason in reasons:
        st.warning(plain_markdown(sentence(reason)), icon=":material/link_off:")
