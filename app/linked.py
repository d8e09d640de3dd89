"""Choices that stand in the link, so that whoever opens it sees the same."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.widget_keys import widget_key


def linked(name: str, options: Sequence[str], default: str) -> str:
    """What the link chooses under this name, if it is among the options."""
    chosen = st.query_params.get(name, "")
    return chosen if chosen in options else default


def keep_linked(name: str, value: str | None) -> None:
    """Put a choice into the link; None takes it out."""
    if not value:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def linked_selectbox(
    label: str, name: str, options: Sequence[str], title_of: Callable[[str], str], default: str = ""
) -> str:
    """A select box whose choice stands in the link; begins with the default, or the first option."""
    key = widget_key(f"linked {name}", linked(name, options, default or options[0]))
    chosen: str = st.selectbox(
        label,
        options,
        key=key,
        format_func=title_of,
        on_change=lambda: keep_linked(name, st.session_state[key]),
    )
    keep_linked(name, chosen)
    return chosen
