"""Pairs marked for exclusion, until they are left out of a new version of the data set."""

from collections.abc import Collection

import streamlit as st

from app.state.people import who_asks
from app.state.session import open_data, select_data_set, studio
from app.text.formatting import count_of, plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import guarded
from grice_core.curating import Curator, curation_of
from grice_core.data.pairs import IntArray
from grice_core.store.tables import DataSet

REASONS = ("wrong preference", "factual error", "off topic", "duplicate", "unreadable")
_OTHERS = 100_000
"""More pairs are not marked at once."""


def curator_of(data_set: DataSet) -> Curator:
    """Makes versions of a data set."""
    whole = open_data(curation_of(data_set).origin.artifact_sha256).table
    return Curator(studio().database, studio().artifacts, data_set, whole)


def marked_rows(data_set: DataSet) -> Collection[int]:
    """Rows that this session has marked."""
    return _marks(data_set).keys()


def marking(data_set: DataSet, row: int, found: IntArray) -> None:
    """A reason, buttons that mark the shown pair or all that are found, and what becomes of the marked.

    Args:
        row: of the pair that is shown.
        found: rows of all pairs that are found.
    """
    marks = _marks(data_set)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.selectbox(
            "Reason to exclude",
            REASONS,
            key="reason",
            accept_new_options=True,
            width=240,
        )
        label = "Unmark this pair" if row in marks else "Exclude this pair"
        st.button(
            label,
            icon=":material/undo:" if row in marks else ":material/block:",
            key="mark this",
            on_click=_toggle,
            args=(data_set, row, reason),
            disabled=not reason,
        )
        st.button(
            f"Exclude all {found.size:,} found",
            key="mark all",
            on_click=_mark_all,
            args=(data_set, found, reason),
            disabled=not reason or not 1 < found.size <= _OTHERS,
        )
    if not marks:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{count_of(len(marks), 'pair')}** marked for exclusion", width="stretch")
        st.button("Clear", type="tertiary", key="clear marks", on_click=marks.clear)
        if st.button("Save as a new version", type="primary", icon=":material/save:", **allowed()):
            _save(data_set)


@guarded
def _save(data_set: DataSet) -> None:
    marks = _marks(data_set)
    made = curator_of(data_set).exclude(marks, who_asks())
    count = count_of(len(marks), "pair")
    marks.clear()
    show_version(made, f"{plain_markdown(made.name)}: {count} excluded.")


def show_version(made: DataSet, said: str) -> None:
    """Look at a version that was just made."""
    st.session_state["added"] = said
    select_data_set(made.id)
    st.rerun()


def _toggle(data_set: DataSet, row: int, reason: str) -> None:
    marks = _marks(data_set)
    if marks.pop(row, None) is None:
        marks[row] = reason


def _mark_all(data_set: DataSet, found: IntArray, reason: str) -> None:
    _marks(data_set).update(dict.fromkeys(found.tolist(), reason))


def _marks(data_set: DataSet) -> dict[int, str]:
    """By row: why it shall be excluded."""
    marks: dict[int, str] = st.session_state.setdefault(f"marked in {data_set.id}", {})
    return marks
