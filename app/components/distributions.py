"""How the data margins are distributed, and how they go together."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.components.histogram_row import Bar, Panel, histogram_row
from app.components.pair_query import margin_text
from app.open_data import OpenData
from app.theme import MAXIM_COLOURS
from app.wording import signed
from grice_core.data.explore import MarginRange, correlation
from grice_core.data.pairs import FloatArray
from grice_core.maxims import MAXIMS, Maxim


def distributions(data: OpenData) -> None:
    """Histograms that lead to the pairs behind a bar, and the maxims' correlation."""
    st.markdown("Data margin = rejected − chosen score: positive means chosen is better.")
    log = st.toggle("Logarithmic counts", True, key="log_data")
    panels = [
        Panel(
            maxim,
            MAXIM_COLOURS[maxim],
            data.bins.edges,
            data.bins.total[maxim.column],
            data.bins.total[maxim.column],
        )
        for maxim in MAXIMS
    ]
    histogram_row(panels, log, key="distributions", on_click=show_pairs_of)
    st.caption("Click a bar to read the pairs behind it.")
    st.subheader("Do the maxims go together?", anchor=False)
    found = correlation(data.margins)
    st.plotly_chart(
        correlation_figure(found),
        width=460,
        config={"displayModeBar": False},
        alt="Correlation of the data margins, maxim by maxim",
    )
    st.caption(
        "Pearson correlation of the data margins: above 0, pairs that teach one maxim teach the "
        "other one, too; below 0, they teach the opposite."
    )


def show_pairs_of(bar: Bar) -> None:
    """Look at the pairs behind a bar; called before the page runs again."""
    st.session_state["view"] = "Pairs"
    st.session_state["page"] = 1
    st.query_params["margin"] = [margin_text(MarginRange(Maxim(bar.panel), bar.low, bar.high))]


def correlation_figure(found: FloatArray) -> go.Figure:
    """(4, 4) correlations as a coloured table, NaN as a dash."""
    names = [maxim.value for maxim in MAXIMS]
    words = [["–" if np.isnan(value) else signed(value) for value in row] for row in found]
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=found,  # a NaN is left blank
            zmin=-1,
            zmax=1,
            colorscale=[[0, "#B35806"], [0.5, "#F7F7F7"], [1, "#2F5D8C"]],
            text=words,
            texttemplate="%{text}",
            hovertemplate="%{y} and %{x}: %{text}<extra></extra>",
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    figure.update_xaxes(side="top", fixedrange=True)
    figure.update_layout(height=280, margin={"l": 4, "r": 4, "t": 4, "b": 4})
    return figure
