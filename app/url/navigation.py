"""Links from page to page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_PAGES = "pages"


def keep_pages(pages: "Mapping[str, StreamlitPage]") -> None:
    """Remember this session's pages by their names, for links to them."""
    st.session_state[_PAGES] = dict(pages)


def link_to(page: str, label: str, icon: str, **query: str | Sequence[str]) -> None:
    """A link to a page, with what it shall show."""
    st.page_link(st.session_state[_PAGES][page], label=label, icon=icon, query_params=query or None)


def go_to(page: str, **query: str | Sequence[str]) -> None:
    """Show another page at once."""
    st.switch_page(st.session_state[_PAGES][page], query_params=query or None)
