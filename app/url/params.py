"""What the page's link says, also while the browser has not heard of it yet.

A browser sends the link that it shows with everything it asks. Anyone who clicks twice in quick succession
asks the second thing with the link of before the first; read from there alone, the first choice would be
lost. So what is put into the link is remembered until the browser is seen to have it.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_UNHEARD = "what the browser has not heard of its link"


def get(name: str, default: str = "") -> str:
    """What the link says under a name; the last of several things."""
    values = get_all(name)
    return values[-1] if values else default


def get_all(name: str) -> list[str]:
    """All that the link says under a name."""
    unheard = _unheard()
    return list(unheard[name]) if name in unheard else st.query_params.get_all(name)


def names() -> list[str]:
    """Under which names the link says something."""
    found = dict.fromkeys([*st.query_params, *_unheard()])
    return [name for name in found if get_all(name)]


def put(name: str, values: str | Sequence[str]) -> None:
    """Let the link say something under a name, or, given nothing, no longer anything.

    The browser gets it later. Streamlit may end a run wherever it sends the browser something, and
    whatever else its user has just moved would go unnoticed.
    """
    wanted = [value for value in ([values] if isinstance(values, str) else values) if value]
    if wanted != get_all(name):
        _unheard()[name] = wanted


def drop(*names: str) -> None:
    """Let the link say nothing under these names."""
    for name in names:
        put(name, "")


def begin(*, is_another_page: bool) -> None:
    """Begin to show a page as a whole: with the link that its browser went to, if it went anywhere."""
    unheard = _unheard()
    context = get_script_run_ctx()
    if is_another_page or (context is not None and context.is_history_navigation):
        unheard.clear()
    for name in [name for name in unheard if st.query_params.get_all(name) == unheard[name]]:
        del unheard[name]


def tell() -> None:
    """Tell the browser what it has not heard of, all at once, which is one step to go back."""
    said = st.query_params
    news = {name: given for name, given in _unheard().items() if said.get_all(name) != given}
    if news:
        said.update(news)


def _unheard() -> dict[str, list[str]]:
    found: dict[str, list[str]] = st.session_state.setdefault(_UNHEARD, {})
    return found
