"""Choices that stand in the link, so that anyone who opens it sees the same."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import streamlit as st

from app.url import params
from app.url.widget_keys import is_current, key_among, widget_key
from grice_core.errors import NotFoundError

_Titles = Callable[[str], str]

_RENAMED = {
    "Repetitions": "Duplicates",
    "Make": "Train",
    "Taught pairs": "Implicit reward per pair",
}
"""What links of earlier versions call some views."""
_MOST_SHOWN = 40
"""Characters of a link's value in a message."""
REMOVED = "it was removed, or the link is to another installation"
PAGE = "page"
"""In links: the page of a long list."""


def linked(name: str, options: Sequence[str], default: str) -> str:
    """What the link chooses under this name, if it is among the options."""
    chosen = params.get(name)
    if chosen not in options:  # perhaps by the name that it had when the link was made
        chosen = _RENAMED.get(chosen, default)
    return chosen if chosen in options else default


def linked_selectbox(
    label: str,
    name: str,
    options: Sequence[str],
    title_of: _Titles,
    default: str = "",
    *,
    missing: str = "",
    **more: Any,
) -> str:
    """A select box whose choice stands in the link; begins with the default, or the first option.

    Args:
        missing: where nothing else may be shown instead of what the link names and is not there: why it
            may not be there.

    Raises:
        NotFoundError: what the link names is not there, if `missing` is given.
    """
    if missing and linked(name, options, "") == "" and params.get(name):
        choose_instead(label, name, options, title_of, missing)
    shown = linked(name, options, default or options[0])
    key = _key(name, options, title_of, shown)
    chosen: str = st.selectbox(
        label,
        options,
        options.index(shown),
        key=key,
        format_func=title_of,
        on_change=_keep,
        args=(name, key),
        **more,
    )
    params.put(name, chosen)
    return chosen


def choose_instead(
    label: str, name: str, options: Sequence[str], title_of: _Titles, missing: str
) -> NoReturn:
    """A select box in which nothing is chosen, since what the link names is not there.

    Raises:
        NotFoundError: which says so.
    """
    key = _key(name, options, title_of, None)
    st.selectbox(
        label,
        options,
        None,
        key=key,
        placeholder="Choose one",
        format_func=title_of,
        on_change=_keep,
        args=(name, key),
    )
    raise NotFoundError(is_not_here(label, params.get(name), missing))


def is_not_here(label: str, asked: str, missing: str) -> str:
    """The message for a link to something that is not there."""
    asked = asked if len(asked) <= _MOST_SHOWN else f"{asked[:_MOST_SHOWN]}…"
    return f"{label} {asked} is not here: {missing}. Choose another one"


def linked_or_none(
    label: str, name: str, options: Sequence[str], title_of: _Titles, nothing: str
) -> str | None:
    """A select box that may be left empty, where it says `nothing`; its choice stands in the link."""
    shown = linked(name, options, "") or None
    key = _key(name, options, title_of, shown)
    return st.selectbox(
        label,
        options,
        options.index(shown) if shown else None,
        key=key,
        placeholder=nothing,
        format_func=title_of,
        on_change=_keep,
        args=(name, key),
    )


def linked_radio(
    label: str, name: str, options: Sequence[str], title_of: _Titles, **more: Any
) -> str:
    """One of a few options, all in sight, the first unless the link says another."""
    shown = linked(name, options, options[0])
    key = _key(name, options, title_of, shown)
    return st.radio(
        label,
        options,
        options.index(shown),
        key=key,
        horizontal=True,
        format_func=title_of,
        on_change=_keep,
        args=(name, key),
        **more,
    )


def linked_segments(label: str, name: str, options: Sequence[str], title_of: _Titles = str) -> str:
    """One of a few views, the first unless the link says another; Back leads to the one before."""
    shown = linked(name, options, options[0])
    key = widget_key(f"linked {name}", shown)
    chosen = st.segmented_control(
        label,
        options,
        default=shown,
        required=True,
        key=key,
        on_change=_keep,
        args=(name, key),
        format_func=title_of,
        label_visibility="collapsed",
    )
    return chosen or options[0]


def linked_text(label: str, name: str, default: str = "", **options: Any) -> str:
    """A line of text that stands in the link."""
    shown = params.get(name, default)
    key = widget_key(f"linked {name}", shown)
    text: str = st.text_input(label, shown, key=key, on_change=_keep, args=(name, key), **options)
    return text.strip()


def linked_number(label: str, name: str, default: int, low: int, high: int, **options: Any) -> int:
    """A whole number that stands in the link; what the link gets wrong is the default."""
    text = params.get(name)
    value = int(text) if text.isdecimal() and low <= int(text) <= high else default
    key = widget_key(f"linked {name}", value)
    return int(
        st.number_input(
            label,
            low,
            high,
            value,
            step=1,
            key=key,
            on_change=_keep,
            args=(name, key),
            **options,
        )
    )


def linked_several(label: str, name: str, options: Sequence[str], title_of: _Titles) -> list[str]:
    """Any number of some options; those chosen stand in the link."""
    chosen = [value for value in params.get_all(name) if value in options]
    key = _key(name, options, title_of, chosen)

    def keep() -> None:
        if is_current(key):
            params.put(name, st.session_state[key])

    found: list[str] = st.multiselect(
        label, options, chosen, key=key, format_func=title_of, on_change=keep
    )
    return found


def linked_switch(label: str, name: str, explained: str) -> bool:
    """A switch that stands in the link while it is on."""
    is_on = params.get(name) == "1"
    key = widget_key(f"linked {name}", is_on)

    def keep() -> None:
        if is_current(key):
            params.put(name, "1" if st.session_state[key] else "")

    return st.checkbox(label, is_on, key=key, help=explained, on_change=keep)


def linked_page(num_pages: int) -> int:
    """Which page of a long list the link names, the first one if none; counted from 1."""
    text = params.get(PAGE)
    return min(max(int(text), 1), num_pages) if text.isdecimal() else 1


def page_chooser(num_pages: int, shown: int) -> None:
    """Lead to the other pages; the first one need not stand in the link."""
    key = widget_key(f"linked {PAGE}", shown)

    def keep() -> None:
        if is_current(key):
            page = st.session_state[key]
            params.put(PAGE, str(page) if page > 1 else "")

    st.pagination(num_pages, default=shown, key=key, on_change=keep)


def _keep(name: str, key: str) -> None:
    if is_current(key):
        value = st.session_state[key]
        params.put(name, "" if value is None else str(value))


def _key(name: str, options: Sequence[str], title_of: _Titles, value: object) -> str:
    titles = {option: title_of(option) for option in options}
    return key_among(f"linked {name}", titles, value)
