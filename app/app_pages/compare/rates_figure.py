"""Rates with their intervals: one row per measure, one dot per model."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from app.ui.theme import ROOM_FOR_LAST_TICK_PX
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.table import ComparisonRow
from grice_core.evaluation.true_rows import TrueRow

_ROW_PX, _TALL_ROW_PX = 58, 84
_SPREAD = 0.5
"""Part of a row's height over which its models are spread."""
_BELOW = 0.075
"""Part of a row's height by which a model's further dots stand below each other."""


def rates_figure(
    names: Sequence[str],
    rows: Sequence[ComparisonRow],
    colours: Sequence[str],
    second: Sequence[ComparisonRow] = (),
    corrected: Sequence[TrueRow] = (),
) -> go.Figure:
    """The figure; names and colours are one per model.

    Args:
        second: the same measures by the second judge, as open circles.
        corrected: what gold labels make of them, as diamonds.
    """
    traces = []
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        offset = _offset(place, len(names))
        traces.append(_trace(name, colour, _rates(rows, place), offset))
        if second:
            traces.append(
                _trace(
                    f"{name}, second judge",
                    colour,
                    _rates(second, place),
                    offset + _BELOW,
                    "circle-open",
                )
            )
        if dots := _corrected(corrected, place):
            traces.append(
                _trace(f"{name}, corrected", colour, dots, offset + 2 * _BELOW, "diamond")
            )
    figure = go.Figure(traces)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, fixedrange=True)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[f"{row.measure} " for row in rows],
        range=[len(rows) - 0.5, -0.5],
        fixedrange=True,
        zeroline=False,
    )
    figure.update_layout(
        height=70 + (_ROW_PX if len(traces) == len(names) else _TALL_ROW_PX) * len(rows),
        margin={"l": 8, "r": ROOM_FOR_LAST_TICK_PX, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return figure


def _offset(place: int, num_models: int) -> float:
    return _SPREAD * (place / max(num_models - 1, 1) - 0.5)


class _Dot(NamedTuple):
    value: float
    interval: Interval


def _rates(rows: Sequence[ComparisonRow], place: int) -> list[_Dot]:
    return [_Dot(row.rates[place].rate, row.rates[place].interval) for row in rows]


def _corrected(rows: Sequence[TrueRow], place: int) -> list[_Dot]:
    """Nothing for a model with too few labels, which has them for no measure."""
    figures = [row.rates[place] for row in rows]
    return [_Dot(one.value, one.interval) for one in figures if one is not None]


def _trace(
    name: str, colour: str, dots: Sequence[_Dot], offset: float, symbol: str = "circle"
) -> go.Scatter:
    is_first = symbol == "circle"
    return go.Scatter(
        name=name,
        showlegend=is_first,
        x=[dot.value for dot in dots],
        y=[place + offset for place in range(len(dots))],
        mode="markers",
        marker={"color": colour, "size": 9 if is_first else 7, "symbol": symbol},
        error_x={
            "array": [dot.interval.high - dot.value for dot in dots],
            "arrayminus": [dot.value - dot.interval.low for dot in dots],
            "width": 0,
            "thickness": 2 if is_first else 1,
            "color": colour,
        },
        customdata=[
            f"{percent(dot.value)} ({percent(dot.interval.low)} to {percent(dot.interval.high)})"
            for dot in dots
        ],
        hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
    )
