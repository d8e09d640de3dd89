"""Rates with their intervals: one row per measure, one dot per model."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.ui.theme import ROOM_FOR_LAST_TICK_PX
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.rates import Rate
from grice_core.evaluation.table import ComparisonRow

_SPREAD = 0.5
"""Part of a row's height over which its models are spread."""


def rates_figure(
    names: Sequence[str], rows: Sequence[ComparisonRow], colours: Sequence[str]
) -> go.Figure:
    """The figure; names and colours are one per model."""
    figure = go.Figure(
        [
            _trace(name, colour, [row.rates[place] for row in rows], _offset(place, len(names)))
            for place, (name, colour) in enumerate(zip(names, colours, strict=True))
        ]
    )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, fixedrange=True)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[f"{row.measure} " for row in rows],
        range=[len(rows) - 0.5, -0.5],
        fixedrange=True,
        zeroline=False,
    )
    figure.update_layout(
        height=70 + 58 * len(rows),
        margin={"l": 8, "r": ROOM_FOR_LAST_TICK_PX, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure


def _offset(place: int, num_models: int) -> float:
    return _SPREAD * (place / max(num_models - 1, 1) - 0.5)


def _trace(name: str, colour: str, rates: Sequence[Rate], offset: float) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[rate.rate for rate in rates],
        y=[place + offset for place in range(len(rates))],
        mode="markers",
        marker={"color": colour, "size": 9},
        error_x={
            "array": [rate.interval.high - rate.rate for rate in rates],
            "arrayminus": [rate.rate - rate.interval.low for rate in rates],
            "width": 0,
            "thickness": 2,
            "color": colour,
        },
        customdata=[
            f"{percent(rate.rate)} ({percent(rate.interval.low)} to {percent(rate.interval.high)})"
            for rate in rates
        ],
        hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
    )
