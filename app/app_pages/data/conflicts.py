"""Conflicts: pairs whose chosen response is better on one maxim and worse on another."""

import numpy as np
import streamlit as st

from app.state.open_data import OpenData
from app.text.formatting import count_of
from app.ui.number_table import Cell, number_table
from app.ui.pair_query import margin_text
from app.ui.shown_pairs import show_pairs
from grice_core.data.explore import MarginRange, conflict_counts
from grice_core.data.pairs import IntArray
from grice_core.maxims import MAXIMS, Maxim

BEYOND = 0.1


def conflicts(data: OpenData) -> None:
    """A table of counts, the largest conflicts in words, each leading to its pairs."""
    beyond = st.slider("Minimum margin", 0.0, 0.9, BEYOND, 0.05, key="beyond", bind="query-params")
    counts = conflict_counts(data.margins, beyond)
    st.markdown(
        "Pairs whose chosen response is better on the row's maxim and worse on the column's:"
    )
    number_table(["", *(maxim.value for maxim in MAXIMS)], conflict_rows(counts), key="conflicts")
    st.caption("Read them:")
    largest = _largest(counts)
    for begin in range(0, len(largest), 2):
        row = largest[begin : begin + 2]
        for place, (better, worse) in zip(st.columns(2), row, strict=False):
            count = int(counts[better.column, worse.column])
            place.button(
                f"{count_of(count, 'pair')}: better on {better}, worse on {worse}",
                key=f"conflict {better} {worse}",
                on_click=_show_pairs,
                args=(better, worse, beyond),
                width="stretch",
            )


def conflict_rows(counts: IntArray) -> list[list[Cell]]:
    """(4, 4) counts as rows with their names, without the diagonal."""
    return [
        [
            Cell(f"better on {better}"),
            *(
                Cell("" if better is worse else f"{counts[better.column, worse.column]:,}")
                for worse in MAXIMS
            ),
        ]
        for better in MAXIMS
    ]


def _largest(counts: IntArray) -> list[tuple[Maxim, Maxim]]:
    """All conflicts with a pair, the largest first."""
    order = np.argsort(-counts, axis=None, kind="stable")
    places = (divmod(int(flat), len(MAXIMS)) for flat in order)
    return [(MAXIMS[row], MAXIMS[column]) for row, column in places if counts[row, column]]


def _show_pairs(better: Maxim, worse: Maxim, beyond: float) -> None:
    # A range holds its lower end, which a conflict does not.
    above = float(np.nextafter(beyond, 1))
    show_pairs(
        margin=[
            margin_text(MarginRange(better, above, 1.0)),
            margin_text(MarginRange(worse, -1.0, -beyond)),
        ]
    )
