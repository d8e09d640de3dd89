"""How the data margins are distributed, and how they go together."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.state.open_data import OpenData
from app.text.formatting import signed
from app.ui.errors import guarded
from app.ui.histogram_row import Bar, Panel, histogram_row
from app.ui.number_table import Cell, number_table
from app.ui.pair_query import bar_range, margin_text
from app.ui.shown_pairs import show_pairs
from app.ui.theme import MAXIM_COLOURS
from grice_core.data.explore import correlation
from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.maxims import MAXIMS, Maxim

MAX_POINTS = 2_000
_SCATTER = "two maxims"
_PICKED = "point picked"
_CORRELATION_PX = 460
"""Four short numbers need no more."""


def distributions(data: OpenData) -> None:
    """Histograms that lead to the pairs behind a bar, and the maxims' correlation."""
    st.markdown("Data margin = rejected − chosen score: positive means chosen is better.")
    log = st.toggle("Logarithmic counts", True, key="log_data")
    bars = data.margin_counts.reshape(len(MAXIMS), -1, 2).sum(axis=2)
    panels = [
        Panel(maxim, MAXIM_COLOURS[maxim], -1.0, 0.02, bars[maxim.column]) for maxim in MAXIMS
    ]
    histogram_row(panels, log, key="distributions", on_click=_show_bar)
    st.caption("Click a bar to read the pairs behind it.")
    _two_maxims(data)
    st.subheader("Correlation of margins", anchor=False)
    found = correlation(data.margins)
    with st.container(width=_CORRELATION_PX):
        number_table(("", *MAXIMS), correlation_rows(found), key="correlation")
    st.caption(
        "Pearson correlation of the data margins: above 0, pairs that train one maxim also train "
        "the other; below 0, they train against it."
    )


@st.fragment
@guarded
def _two_maxims(data: OpenData) -> None:
    """A point for each of some pairs; the one that is clicked is opened."""
    st.subheader("Two maxims", anchor=False)
    left, right = st.columns(2)
    names = [maxim.value for maxim in MAXIMS]
    across = Maxim(left.selectbox("x axis", names, index=2, key="across"))
    up = Maxim(right.selectbox("y axis", names, index=3, key="up"))
    sample = some_of(data.table.scored)

    def pick() -> None:
        if points := st.session_state[_SCATTER]["selection"]["points"]:
            show_pairs(rows=str(data.table.rows[sample[points[0]["point_index"]]]))
            st.session_state[_PICKED] = True

    st.plotly_chart(
        scatter_figure(data.margins[sample][:, [across.column, up.column]], (across, up)),
        key=_SCATTER,
        on_select=pick,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Data margins of {across} and {up}, a point for each pair",
    )
    shown = "Each point is a pair" if len(sample) < MAX_POINTS else f"{MAX_POINTS:,} pairs"
    st.caption(f"{shown}; click one to read it.")
    if st.session_state.pop(_PICKED, False):
        st.rerun()  # the whole page, of which this is a part


def some_of(scored: BoolArray) -> IntArray:
    """Indices of at most `MAX_POINTS` scored pairs, evenly from the whole file, the same each time."""
    indices = np.flatnonzero(scored)
    if len(indices) <= MAX_POINTS:
        return indices
    return indices[np.linspace(0, len(indices) - 1, MAX_POINTS).astype(np.int64)]


def scatter_figure(margins: FloatArray, maxims: tuple[Maxim, Maxim]) -> go.Figure:
    """(N, 2) data margins of two maxims as points."""
    figure = go.Figure(
        go.Scatter(
            x=margins[:, 0],
            y=margins[:, 1],
            mode="markers",
            marker={"size": 6, "opacity": 0.45, "color": MAXIM_COLOURS[maxims[1]]},
            hovertemplate="%{x:+.2f}, %{y:+.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=f"{maxims[0].value} margin", fixedrange=True)
    figure.update_yaxes(title=f"{maxims[1].value} margin", fixedrange=True)
    figure.update_layout(height=340, margin={"l": 4, "r": 4, "t": 8, "b": 4})
    return figure


def _show_bar(bar: Bar) -> None:
    show_pairs(margin=margin_text(bar_range(Maxim(bar.panel), bar.low, bar.high)))


def correlation_rows(found: FloatArray) -> list[list[Cell]]:
    """(4, 4) correlations, the stronger the more coloured; NaN as a dash."""
    return [
        [Cell(down), *(_correlation(found, down, across) for across in MAXIMS)] for down in MAXIMS
    ]


def _correlation(found: FloatArray, down: Maxim, across: Maxim) -> Cell:
    value = float(found[down.column, across.column])
    if np.isnan(value):
        return Cell("–", tone="dim")
    return Cell("1", tone="dim") if down is across else Cell(signed(value), tint=round(value, 2))
