"""What the seed does: per measure and model, a dot per seed and their mean."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.text.formatting import stage_title
from app.ui.theme import ROOM_FOR_LAST_TICK_PX
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.spread import Spread
from grice_core.evaluation.violations import MEASURES

_HEIGHT = 0.5
"""Part of a row over which its models are spread."""


def spread_figure(spreads: Sequence[Spread], colours: Mapping[str, str]) -> go.Figure:
    """The figure; one colour per model."""
    names = list(colours)
    figure = go.Figure()
    for place, name in enumerate(names):
        offset = _HEIGHT * (place / max(len(names) - 1, 1) - 0.5)
        of_model = [spread for spread in spreads if spread.model == name]
        rows = {spread.measure: MEASURES.index(spread.measure) + offset for spread in of_model}
        figure.add_scatter(
            name=stage_title(name),
            x=[rate for spread in of_model for rate in spread.rates],
            y=[rows[spread.measure] for spread in of_model for _ in spread.rates],
            mode="markers",
            marker={"color": colours[name], "size": 8, "opacity": 0.55},
            hovertemplate="%{x:.1%}<extra>%{fullData.name}</extra>",
        )
        figure.add_scatter(
            x=[spread.mean for spread in of_model],
            y=[rows[spread.measure] for spread in of_model],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 15, "color": colours[name], "line_width": 3},
            showlegend=False,
            customdata=[f"mean {percent(spread.mean)}" for spread in of_model],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, fixedrange=True)
    figure.update_yaxes(
        tickvals=list(range(len(MEASURES))),
        ticktext=[f"{measure} " for measure in MEASURES],
        range=[len(MEASURES) - 0.5, -0.5],
        fixedrange=True,
        zeroline=False,
    )
    figure.update_layout(
        height=70 + 58 * len(MEASURES),
        margin={"l": 8, "r": ROOM_FOR_LAST_TICK_PX, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure
