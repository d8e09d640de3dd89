"""Conflicts: pairs whose chosen response is better on one maxim and worse on another."""

import numpy as np
import pandas as pd
import streamlit as st

from app.components.pair_query import margin_text
from app.open_data import OpenData
from app.wording import count_of
from grice_core.data.explore import MarginRange, conflict_counts
from grice_core.data.pairs import IntArray
from grice_core.maxims import MAXIMS, Maxim

BEYOND = 0.1


def conflicts(data: OpenData) -> None:
    """A table of counts, the largest conflicts in words, each leading to its pairs."""
    beyond = st.slider("Beyond", 0.0, 0.9, BEYOND, 0.05, key="beyond", bind="query-params")
    counts = conflict_counts(data.margins, beyond)
    st.markdown("Chosen is better on the row's maxim, and worse on the column's:")
    st.table(conflict_table(counts))
    with st.container(horizontal=True):
        for better, worse in _largest(counts):
            count = int(counts[better.column, worse.column])
            st.button(
                f"{count_of(count, 'pair')}: better on {better}, worse on {worse}",
                key=f"conflict {better} {worse}",
                on_click=_show_pairs,
                args=(better, worse, beyond),
            )


def conflict_table(counts: IntArray) -> pd.DataFrame:
    """(4, 4) counts by name, without the diagonal."""
    cells = [
        ["" if row == column else f"{counts[row, column]:,}" for column in range(len(MAXIMS))]
        for row in range(len(MAXIMS))
    ]
    names = [maxim.value for maxim in MAXIMS]
    return pd.DataFrame(cells, index=[f"better on {name}" for name in names], columns=names)


def _largest(counts: IntArray) -> list[tuple[Maxim, Maxim]]:
    """All conflicts with a pair, the largest first."""
    order = np.argsort(-counts, axis=None, kind="stable")
    places = (divmod(int(flat), len(MAXIMS)) for flat in order)
    return [(MAXIMS[row], MAXIMS[column]) for row, column in places if counts[row, column]]


def _show_pairs(better: Maxim, worse: Maxim, beyond: float) -> None:
    # A range holds its lower end, which a conflict does not.
    above = float(np.nextafter(beyond, 1))
    st.session_state["view"] = "Pairs"
    st.query_params["margin"] = [
        margin_text(MarginRange(better, above, 1.0)),
        margin_text(MarginRange(worse, -1.0, -beyond)),
    ]
