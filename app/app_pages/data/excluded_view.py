"""What a version of a data set leaves out, why, and the way back."""

import pandas as pd
import streamlit as st

from app.app_pages.data.marking import curator_of, show_version
from app.text.formatting import count_of, plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import guarded
from grice_core.curating import curation_of
from grice_core.data.curation import Curation
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.store.tables import DataSet

EXCLUDED = "Excluded"
"""What the view is called."""
_MOST, _CELL = 2_000, 300


def made_from(data_set: DataSet) -> str:
    """What a version was made from, in one sentence; empty for a data set as it was uploaded."""
    curation = curation_of(data_set)
    if not curation.exclusions:
        return ""
    return (
        f"Version {curation.version}, made from “{plain_markdown(curation.made_from)}”: "
        f"{count_of(len(curation.reasons), 'pair')} of “{plain_markdown(curation.origin.name)}” excluded."
    )


@st.fragment
@guarded
def excluded_view(data_set: DataSet) -> None:
    """The excluded pairs with their reasons; those that are picked can be restored."""
    curation = curation_of(data_set)
    if not curation.exclusions:
        st.info(
            "Nothing is excluded. Mark pairs under “Pairs”; they are left out of a new version."
        )
        return
    curator = curator_of(data_set)
    table = curator.whole.take(~curation.kept(curator.whole))
    event = st.dataframe(
        excluded_frame(table.take(range(min(len(table), _MOST))), curation),
        key=f"excluded of {data_set.id}",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=68,
        column_config={
            "row": st.column_config.NumberColumn(width=60),
            "reason": st.column_config.TextColumn(width=130),
            "by": st.column_config.TextColumn(width=90),
        }
        | {name: st.column_config.TextColumn(width=230) for name in TEXT_FIELDS},
        alt="Excluded pairs; select those to restore",
    )
    if len(table) > _MOST:
        st.caption(f"The first {_MOST:,} of {len(table):,}.")
    picked = [int(table.rows[line]) for line in event["selection"]["rows"] if line < len(table)]
    with st.container(horizontal=True):
        label = f"Restore {count_of(len(picked), 'pair')}" if picked else "Restore selected"
        if st.button(label, key="restore", type="primary", **allowed(unless=not picked)):
            _restore(data_set, picked)
        if st.button(f"Restore all {len(table):,}", **allowed()):
            _restore(data_set, table.rows.tolist())


def excluded_frame(table: PairTable, curation: Curation) -> pd.DataFrame:
    """One line per excluded pair."""
    why = [curation.reasons[row] for row in table.rows.tolist()]
    return pd.DataFrame(
        {
            "row": table.rows,
            "reason": [one.reason for one in why],
            "by": [one.by or None for one in why],
            "prompt": [text[:_CELL] for text in table.prompts],
            "chosen": [text[:_CELL] for text in table.chosen],
            "rejected": [text[:_CELL] for text in table.rejected],
        }
    )


def _restore(data_set: DataSet, rows: list[int]) -> None:
    made = curator_of(data_set).restore(rows)
    show_version(made, f"{plain_markdown(made.name)}: {count_of(len(rows), 'pair')} restored.")
