"""Histograms of data margins: kept pairs before all pairs, with the lines where thresholds cut."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

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


def histograms_figure(panels: Sequence[Panel], log: bool, height: int = 210) -> go.Figure:
    """Panels side by side. A bar's `customdata` is the range of margins that it stands for."""
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        subplot_titles=[panel.title for panel in panels],
        horizontal_spacing=0.16 / len(panels),
    )
    for column, panel in enumerate(panels, start=1):
        figure.add_traces([_bars(panel, kept=False), _bars(panel, kept=True)], 1, column)
        axis = "" if column == 1 else str(column)
        for cut in panel.cuts:
            figure.add_shape(_line(cut, axis))
            figure.add_annotation(_line_label(cut, axis))
    figure.update_xaxes(zeroline=True, zerolinewidth=1, showgrid=False, nticks=5, fixedrange=True)
    figure.update_yaxes(
        type="log" if log else "linear",
        showgrid=True,
        nticks=4,
        fixedrange=True,
        rangemode="tozero",
        dtick=1 if log else None,
    )
    figure.update_layout(
        barmode="overlay",
        bargap=0,
        showlegend=False,
        height=height,
        margin={"l": 36, "r": 8, "t": 44, "b": 24},
        clickmode="event+select",
        dragmode=False,
        hovermode="closest",
    )
    figure.update_annotations(font_size=12)
    return figure


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


def _line(cut: CutLine, axis: str) -> dict[str, object]:
    return {
        "type": "line",
        "xref": f"x{axis}",
        "yref": f"y{axis} domain",
        "x0": cut.value,
        "x1": cut.value,
        "y0": 0,
        "y1": 1,
        "line": {"color": CUT_COLOUR, "width": 1.5, "dash": "solid" if cut.is_certain else "dot"},
    }


def _line_label(cut: CutLine, axis: str) -> dict[str, object]:
    return {
        "text": number(cut.value),
        "xref": f"x{axis}",
        "yref": f"y{axis} domain",
        "x": cut.value,
        "y": 1,
        "xanchor": "right" if cut.value < 0 else "left",
        "yanchor": "top",
        "showarrow": False,
        "font": {"color": CUT_COLOUR},
    }
