"""The preference shift of each training pair: the detector's preference against the model's."""

import numpy as np
import plotly.graph_objects as go

from app.text.formatting import plain_label
from app.ui.distributions import some_of
from app.ui.theme import MAXIM_COLOURS, SEVERAL_COLOUR
from grice_core.data.pairs import FloatArray
from grice_core.evaluation.preference_shift import PreferenceShift
from grice_core.maxims import Maxim

_NUM_GROUPS = 10


def preference_shift_figure(pairs: PreferenceShift, maxim: Maxim) -> go.Figure:
    """A dot per pair; the line joins the means of ten groups of pairs with like data margins."""
    data, rewards = pairs.data_margins[:, maxim.column], pairs.reward_margins
    shown = some_of(np.ones(len(data), dtype=np.bool_))
    figure = go.Figure(
        [
            go.Scatter(
                x=data[shown].tolist(),
                y=rewards[shown].tolist(),
                mode="markers",
                marker={"color": MAXIM_COLOURS[maxim], "size": 6, "opacity": 0.5},
                customdata=[pairs.rows[place] for place in shown],
                hovertemplate="row %{customdata}: data margin %{x:.2f}, reward margin %{y:.2f}<extra></extra>",
            ),
            _means(data, rewards),
        ]
    )
    figure.add_hline(y=0, line={"color": SEVERAL_COLOUR, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=f"data margin of {maxim}", fixedrange=True, zeroline=True)
    figure.update_yaxes(
        title_text=f"reward margin after {plain_label(pairs.after)}", fixedrange=True
    )
    figure.update_layout(height=340, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False)
    return figure


def _means(data: FloatArray, rewards: FloatArray) -> go.Scatter:
    groups = np.array_split(np.argsort(data, kind="stable"), min(_NUM_GROUPS, len(data)))
    return go.Scatter(
        x=[float(data[group].mean()) for group in groups],
        y=[float(rewards[group].mean()) for group in groups],
        mode="lines+markers",
        line={"color": SEVERAL_COLOUR, "width": 2},
        marker={"size": 5},
        hovertemplate="mean of a tenth: %{y:.2f}<extra></extra>",
    )
