"""One pair to be read: its texts, what differs between the responses, its eight scores."""

import plotly.graph_objects as go
import streamlit as st

from app.text.formatting import number, signed
from app.ui.pair_texts import pair_texts
from app.ui.theme import BASELINE_COLOUR, MAXIM_COLOURS
from grice_core.data.pairs import PairTable
from grice_core.maxims import MAXIMS


def pair_view(pair: PairTable, words: str = "") -> None:
    """Show a table's only pair.

    Args:
        words: what was searched; marked in the prompt.
    """
    row = int(pair.rows[0])
    with st.container(border=True):
        st.markdown(f"**Row {row:,}** — marked words appear in one response only")
        pair_texts(pair, key=f"pair {row}", words=words)
        if not pair.scored[0]:
            st.caption("This pair is unscored.")
            return
        st.plotly_chart(
            scores_figure(pair),
            key=f"scores {row}",
            config={"displayModeBar": False},
            alt=f"Scores of row {row}: {scores_in_words(pair)}",
        )
        st.caption("Violation probabilities: solid chosen, grey rejected; lower is better.")


def scores_figure(pair: PairTable) -> go.Figure:
    """Eight bars: for each maxim the chosen response's score, and below it the rejected one's."""
    maxims = [maxim.value for maxim in reversed(MAXIMS)]
    figure = go.Figure(
        [
            _bars(maxims, pair.rejected_scores[0, ::-1].tolist(), BASELINE_COLOUR, "rejected"),
            _bars(
                maxims,
                pair.chosen_scores[0, ::-1].tolist(),
                [MAXIM_COLOURS[maxim] for maxim in reversed(MAXIMS)],
                "chosen",
            ),
        ]
    )
    figure.update_xaxes(range=[0, 1.08], fixedrange=True, tickformat=".1f")
    figure.update_yaxes(fixedrange=True)
    figure.update_layout(
        height=230, margin={"l": 4, "r": 4, "t": 4, "b": 4}, showlegend=False, bargap=0.3
    )
    return figure


def scores_in_words(pair: PairTable) -> str:
    """`quantity 0.12 against 0.80, margin +0.68; …` for those who don't see the bars."""
    return "; ".join(
        f"{maxim} {number(pair.chosen_scores[0, maxim.column])} against "
        f"{number(pair.rejected_scores[0, maxim.column])}, "
        f"margin {signed(pair.margins[0, maxim.column])}"
        for maxim in MAXIMS
    )


def _bars(maxims: list[str], scores: list[float], colour: str | list[str], side: str) -> go.Bar:
    return go.Bar(
        orientation="h",
        y=maxims,
        x=scores,
        marker_color=colour,
        text=[number(score) for score in scores],
        textposition="outside",
        cliponaxis=False,
        hovertemplate=f"%{{y}}, {side}: %{{x:.3f}}<extra></extra>",
    )
