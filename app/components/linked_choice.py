"""Choices that the link names by something shorter than what is shown."""

from collections.abc import Mapping

import streamlit as st

from app.widget_keys import widget_key


def linked_selectbox(label: str, titles: Mapping[str, str], param: str, nothing: str) -> str | None:
    """Choose one of some keys, or none, by their titles; the link's `param` holds the key."""
    linked = st.query_params.get(param)
    key = widget_key(f"{param} choice", linked if linked in titles else None)

    def choose() -> None:
        write_param(param, st.session_state[key])

    return st.selectbox(
        label,
        list(titles),
        index=None,
        key=key,
        placeholder=nothing,
        format_func=titles.__getitem__,
        on_change=choose,
    )


def linked_radio(label: str, titles: Mapping[str, str], param: str) -> str:
    """Choose one of some keys by their titles, the first unless the link's `param` says another."""
    linked, default = st.query_params.get(param), next(iter(titles))
    key = widget_key(f"{param} choice", linked if linked in titles else default)

    def choose() -> None:
        write_param(param, st.session_state[key])

    return st.radio(label, list(titles), key=key, format_func=titles.__getitem__, on_change=choose)


def write_param(param: str, value: str | None) -> None:
    """Put a value into the link, or take it out."""
    if value is not None:
        st.query_params[param] = value
    elif param in st.query_params:
        del st.query_params[param]
