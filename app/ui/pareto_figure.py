"""Two maxims: who can be beaten on neither without losing on the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.text.formatting import plain_label
from app.ui.theme import SEVERAL_COLOUR
from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.pareto import pareto_front


@dataclass(frozen=True)
class ParetoPoint:
    """One model of one pipeline."""

    name: str
    colour: str
    rates: tuple[float, float]
    """Violation rates of the two maxims shown, as fractions."""
    is_unbeaten: bool
    """No other model beats it on all four maxims together."""
    intervals: tuple[Interval, Interval] | None = None
    """Of the rates, drawn as bars; None: none are."""


def pareto_figure(points: Sequence[ParetoPoint], titles: tuple[str, str]) -> go.Figure:
    """The figure; the line is the front of the two maxims shown."""
    rates = np.array([point.rates for point in points]).reshape(-1, 2)
    figure = go.Figure([_front(rates), *(_dot(point) for point in points)])
    for update, title in zip((figure.update_xaxes, figure.update_yaxes), titles, strict=True):
        update(
            title_text=f"violates {title}",
            tickformat=".0%",
            rangemode="tozero",
            fixedrange=True,
            nticks=6,
        )
    figure.update_layout(height=380, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False)
    return figure


def _front(rates: FloatArray) -> go.Scatter:
    """A stair: between two models of the front nothing is known to be reachable."""
    front = rates[pareto_front(rates)]
    front = front[np.lexsort((front[:, 1], front[:, 0]))]
    return go.Scatter(
        x=front[:, 0].tolist(),
        y=front[:, 1].tolist(),
        mode="lines",
        line={"color": SEVERAL_COLOUR, "shape": "hv", "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )


def _dot(point: ParetoPoint) -> go.Scatter:
    remark = (
        "on the front of all four maxims" if point.is_unbeaten else "dominated on all four maxims"
    )
    return go.Scatter(
        x=[point.rates[0]],
        y=[point.rates[1]],
        mode="markers",
        cliponaxis=False,  # a dot at zero is whole
        error_x=_bar(point, 0),
        error_y=_bar(point, 1),
        marker={
            "color": point.colour,
            "size": 12,
            "symbol": "circle" if point.is_unbeaten else "circle-open",
            "line": {"width": 2, "color": point.colour},
        },
        hovertemplate=(
            f"{plain_label(point.name)}<br>{percent(point.rates[0])}, {percent(point.rates[1])}"
            f"<br>{remark}<extra></extra>"
        ),
    )


def _bar(point: ParetoPoint, axis: int) -> dict[str, Any] | None:
    """A rate's interval, thin: the dots are what is compared."""
    if point.intervals is None:
        return None
    rate, interval = point.rates[axis], point.intervals[axis]
    return {
        "type": "data",
        "symmetric": False,
        "array": [interval.high - rate],
        "arrayminus": [rate - interval.low],
        "thickness": 1,
        "width": 0,
    }
