"""Keys for widgets that something else than their user may move."""

from collections.abc import Sequence

import streamlit as st

from grice_core.store.json import digest_of


def widget_key(name: str, value: object) -> str:
    """The key under which a widget shows a value; a new one when it was not the user who changed it.

    The status line runs every few seconds, and brings the browser's view of all widgets along. A
    widget that was just moved by the script (by Undo, say) would be seen there at its old value,
    which would look as if its user had moved it back. Under a new key, nobody knows an old value.
    """
    counter = f"generation of {name}"
    generation = st.session_state.setdefault(counter, 0)
    shown = st.session_state.get(f"{name} {generation}", value)
    if _rounded(shown) != _rounded(value):
        generation += 1
        st.session_state[counter] = generation
    key = f"{name} {generation}"
    # Set only if it is news: the browser takes a value that was set for the widget's, also when its
    # user has moved on meanwhile, as with a key that is held down.
    if key not in st.session_state or _rounded(st.session_state[key]) != _rounded(value):
        st.session_state[key] = value
    return key


def key_among(name: str, options: Sequence[str], value: object) -> str:
    """The key of a widget that chooses among these options, and of no other.

    A widget of the same name with other options, on another page or before there was one more, is
    another one to Streamlit, which forgets what the first one said and shows the first option.
    """
    return widget_key(f"{name} {digest_of({'options': list(options)})[:16]}", value)


def is_current(key: str) -> bool:
    """Whether a key is the latest of its name; what a widget says under an older one is ignored.

    A browser that has not drawn the new widget yet still brings along what the old one said. Nobody
    remembers that one any more, so Streamlit takes it for moved, and calls its callback.
    """
    name, _, generation = key.rpartition(" ")
    return bool(st.session_state.get(f"generation of {name}") == int(generation))


def _rounded(value: object) -> object:
    """A slider gives 0.30000000000000004 where 0.3 is meant."""
    return round(value, 6) if isinstance(value, float) else value
