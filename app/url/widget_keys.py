"""Keys for widgets that something else than their user may move."""

from collections.abc import Mapping

import streamlit as st

from grice_core.store.json_text import digest_of

_PAGE, _VISIT = "page of the widgets", "visit of the page"
_NOT_SHOWN = object()


def note_page(page: str) -> bool:
    """Set which page is about to be shown; when it is another one (returned), its widgets get new keys.

    A browser forgets a page's widgets when it leaves the page, and would show their first options
    under the keys whose values it was sent before.
    """
    if st.session_state.get(_PAGE) == page:
        return False
    st.session_state[_PAGE] = page
    st.session_state[_VISIT] = st.session_state.get(_VISIT, 0) + 1
    return True


def widget_key(name: str, value: object) -> str:
    """The key of a widget whose default is this value; a new one when it was not the user who changed it.

    The status line runs every few seconds, and brings the browser's view of all widgets along. A
    widget that was just moved by the script (by Undo, say) would be seen there at its old value,
    which would look as if its user had moved it back. Under a new key, no one knows an old value.

    The value has to be given as the widget's default, not put into the session: Streamlit tells the
    browser once of what is put there, and when the page is drawn anew before that has arrived, the
    browser shows the widget's first option or least value, and says that its user has chosen it.
    """
    name = f"{name} @{st.session_state.get(_VISIT, 0)}"
    counter = f"generation of {name}"
    generation = st.session_state.get(counter, 0)
    if _rounded(st.session_state.get(f"{name} {generation}", _NOT_SHOWN)) != _rounded(value):
        generation += 1
        st.session_state[counter] = generation
    return f"{name} {generation}"


def key_among(name: str, titles: Mapping[str, str], value: object) -> str:
    """`widget_key` of one that chooses among options, given with what they are called on the page.

    A browser remembers a choice by its title, and Streamlit one by the widget's options. With others,
    on another page or since there is one more, it is another widget: it would forget its choice and
    show the first option, or bring along a title that no one knows, as if its user had typed it.
    """
    return widget_key(f"{name} {digest_of({'options': list(titles.items())})[:16]}", value)


def is_current(key: str) -> bool:
    """Whether a key is the latest of its name; what a widget says under an older one is ignored.

    A browser that has not drawn the new widget yet still brings along what the old one said. No one
    remembers that one any more, so Streamlit takes it for moved, and calls its callback.
    """
    name, _, generation = key.rpartition(" ")
    of_this_visit = name.endswith(f" @{st.session_state.get(_VISIT, 0)}")
    return of_this_visit and st.session_state.get(f"generation of {name}") == int(generation)


def _rounded(value: object) -> object:
    """A slider gives 0.30000000000000004 where 0.3 is meant."""
    return round(value, 6) if isinstance(value, float) else value
