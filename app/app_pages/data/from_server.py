"""Pairs that the server reaches: in its import folder, or at an address that its administrator allows."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from app.state.reading import fetch_apart
from app.state.session import studio
from app.ui.allowed import allowed
from app.ui.errors import show_error
from app.ui.import_folder import importable_data, locate
from grice_core.data.fetching import check_allowed
from grice_core.errors import DataError
from grice_core.store.actions import require
from grice_core.store.actors import Role

Check = Callable[[Path, str], None]
"""Reads what lies at a path; the second argument is its origin."""


def import_from(folder: Path, check: Check) -> str:
    """Offer what lies in the import folder; returns the origin of what is chosen."""
    names = importable_data(folder)
    if not names:
        st.caption("The import folder is empty.")
        return ""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.selectbox("Import from the server", names, index=None, key="import_name")
    origin = f"import {name}"
    if right.button("Import", disabled=name is None, width="stretch") and name:
        try:
            check(locate(folder, name.rstrip("/"), is_folder=name.endswith("/")), origin)
        except DataError as error:  # gone since it was listed
            show_error(error)
    return origin


def read_from_address(beginnings: Sequence[str], check: Check) -> str:
    """Offer a field for an address; returns the origin of what stands in it."""
    # A form takes what stands in the field when the button is pressed, without another click before.
    with st.form("address form", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        written = left.text_input(
            "Read from an address",
            placeholder=f"{beginnings[0].rstrip('/')}/…",
            key="address",
            **allowed(explained=f"Begins with {' or '.join(beginnings)}"),
        ).strip()
        is_asked = right.form_submit_button("Read", width="stretch", **allowed())
    origin = f"address {written}"
    if is_asked and written:
        try:
            require(studio().database, Role.MEMBER)
            address = check_allowed(written, beginnings)
            with tempfile.TemporaryDirectory(dir=studio().scratch) as folder:
                check(fetch_apart(address, Path(folder)), origin)
        except DataError as error:
            show_error(error)
    return origin
