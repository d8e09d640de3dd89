"""Pairs that a data set holds more than once, or with the preference reversed."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.state.session import open_data
from app.text.formatting import count_of
from app.ui.shown_pairs import rows_text, show_pairs
from grice_core.data.findings import DuplicateGroup
from grice_core.data.findings import duplicates as find_duplicates
from grice_core.data.pairs import PairTable

MAX_GROUPS = 200
_MAX_ROWS = 200
_CELL = 300
_TABLE = "duplicates"


@st.cache_resource(max_entries=8, show_spinner="Comparing the pairs …")
def _groups(sha256: str) -> list[DuplicateGroup]:
    return find_duplicates(open_data(sha256).table, MAX_GROUPS)


def duplicates(sha256: str) -> None:
    """A line for each group; the one that is picked is shown."""
    groups = _groups(sha256)
    if not groups:
        st.success("No duplicates.", icon=":material/check:")
        return
    num = sum(group.is_contradictory for group in groups)
    st.markdown(
        f"**{count_of(len(groups), 'group')}** of duplicate pairs; in **{num:,}** of "
        "them rows contradict each other. Select a group to read its pairs."
    )
    table = open_data(sha256).table

    def pick() -> None:
        if picked := st.session_state[_TABLE]["selection"]["rows"]:
            rows = table.rows[groups[picked[0]].indices[:_MAX_ROWS]]
            show_pairs(rows=rows_text(rows.tolist()))

    st.dataframe(
        duplicate_table(groups, table),
        key=_TABLE,
        hide_index=True,
        on_select=pick,
        selection_mode="single-row",
        column_config={
            "pairs": st.column_config.NumberColumn(width=70),
            "prompt": st.column_config.TextColumn(width=420),
        },
        alt="Groups of duplicate pairs",
    )
    if len(groups) == MAX_GROUPS:
        st.caption(f"The largest {MAX_GROUPS} groups.")


def duplicate_table(groups: Sequence[DuplicateGroup], table: PairTable) -> pd.DataFrame:
    """One line per group: how many pairs, whether they contradict each other, where they stand."""
    return pd.DataFrame(
        {
            "pairs": [len(group.indices) for group in groups],
            "what": ["contradiction" if one.is_contradictory else "duplicate" for one in groups],
            "rows": [", ".join(map(str, table.rows[one.indices[:8]].tolist())) for one in groups],
            "prompt": [table.prompts[int(one.indices[0])][:_CELL] for one in groups],
        }
    )
