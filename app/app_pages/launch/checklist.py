"""The preflight as a list: pass, warn, stop."""

from collections.abc import Iterable
from typing import Final

import streamlit as st

from app.app_pages.launch.preflight import Check
from app.text.formatting import plain_markdown

_MARKS: Final = {"pass": ":green[✓]", "warn": ":orange[!]", "stop": ":red[✗]"}


def checklist(checks: Iterable[Check]) -> None:
    """Show checks, what stands in the way first."""
    order = list(_MARKS)
    for check in sorted(checks, key=lambda check: -order.index(check.state)):
        st.markdown(f"{_MARKS[check.state]} {plain_markdown(check.sentence)}")
