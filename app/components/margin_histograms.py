"""Histograms of data margins: kept pairs before all pairs, with the lines where thresholds cut."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.theme import CUT_COLOUR, PALE
from app.wording import number
from grice_core.data.pairs import FloatArray, IntArray


@dataclass(frozen=True)
class CutLine:
    """Where a threshold cuts through a histogram."""

    value: float
    is_certain: bool = True
    """Whatever lies left of it is dropped; if not, it is enough to be beyond one of several lines."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One histogram."""

    title: str
    colour: str
    edges: FloatArray
    """(B + 1,)"""
    total: IntArray
    """(B,) over all pairs."""
    kept: IntArray
    """(B,) over those that the stage keeps."""
    cuts: tuple[CutLine, ...] = ()


def histogram_figure(panel: Panel, log: bool, height: int = 190) -> go.Figure:
    """One panel. A bar's `customdata` is the range of margins that it stands for."""
    figure = go.Figure([_bars(panel, kept=False), _bars(panel, kept=True)])
    for cut in panel.cuts:
        figure.add_shape(_line(cut))
        figure.add_annotation(_line_label(cut))
    # The range is that of all pairs, so that nothing jumps while a threshold is moved.
    low, high = _range(panel)
    figure.update_xaxes(range=[low, high], nticks=5, showgrid=False, fixedrange=True)
    figure.update_yaxes(
        type="log" if log else "linear", dtick=1 if log else None, nticks=4, fixedrange=True
    )
    figure.update_layout(
        title={"text": panel.title, "font_size": 13, "x": 0.02, "y": 0.97, "yanchor": "top"},
        barmode="overlay",
        bargap=0,
        showlegend=False,
        height=height,
        margin={"l": 4, "r": 4, "t": 28, "b": 4},
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def _range(panel: Panel) -> tuple[float, float]:
    """Where there are pairs, or lines."""
    filled = np.flatnonzero(panel.total)
    marks = [cut.value for cut in panel.cuts]
    if len(filled):
        marks += [float(panel.edges[filled[0]]), float(panel.edges[filled[-1] + 1])]
    low, high = min(marks, default=-1.0), max(marks, default=1.0)
    pad = 0.05 * max(high - low, 0.2)
    return low - pad, high + pad


def _bars(panel: Panel, kept: bool) -> go.Bar:
    counts = panel.kept if kept else panel.total
    filled = np.flatnonzero(counts)
    low, high = panel.edges[:-1][filled], panel.edges[1:][filled]
    return go.Bar(
        x=(low + high) / 2,
        y=counts[filled],
        width=high - low,
        customdata=np.stack([low, high], axis=1).round(6),
        marker={"color": panel.colour if kept else PALE, "line_width": 0},
        unselected={"marker_opacity": 1},
        hovertemplate="%{customdata[0]:+.2f} to %{customdata[1]:+.2f}: %{y:,} "
        + ("kept" if kept else "in all")
        + "<extra></extra>",
    )


def _line(cut: CutLine) -> dict[str, object]:
    return {
        "type": "line",
        "yref": "y domain",
        "x0": cut.value,
        "x1": cut.value,
        "y0": 0,
        "y1": 1,
        "line": {"color": CUT_COLOUR, "width": 1.5, "dash": "solid" if cut.is_certain else "dot"},
    }


def _line_label(cut: CutLine) -> dict[str, object]:
    return {
        "text": number(cut.value),
        "yref": "y domain",
        "x": cut.value,
        "y": 1,
        "xanchor": "right" if cut.value < 0 else "left",
        "yanchor": "top",
        "showarrow": False,
    }
