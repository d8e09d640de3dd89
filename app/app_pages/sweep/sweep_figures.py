"""Trials as lines over their settings, and how much each setting matters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from app.app_pages.sweep.trials_table import CandidateDocument, title_of, value_of
from app.text.formatting import plain_label
from app.ui.theme import KEPT_COLOUR, SEVERAL_COLOUR
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.maxims import MAXIMS
from grice_core.sweep.search import Search
from grice_core.sweep.space import Range, Varied


@dataclass(frozen=True)
class _Axis:
    """One upright axis; a value's place on it is from 0 to 1."""

    title: str
    low: str
    high: str
    places: tuple[float, ...]
    """Of the trials, in their order."""
    values: tuple[str, ...]


def parallel_figure(search: Search, candidates: Sequence[CandidateDocument]) -> go.Figure:
    """A line per trial, through its settings to its rates; those of the front in colour and on top."""
    done = [each for each in candidates if each["overrides"] and "rates" in each and each["rates"]]
    done.sort(key=lambda each: bool(each["on_front"]))
    axes = [_of_setting(one, place, done) for place, one in enumerate(search.varied)]
    axes += [_of_rate(measure, done) for measure in (*map(str, MAXIMS), COOPERATIVE)]
    figure = go.Figure([_line(number, each, axes) for number, each in enumerate(done)])
    for place, axis in enumerate(axes):
        upright = {"color": SEVERAL_COLOUR, "width": 1}
        figure.add_shape(x0=place, x1=place, y0=0, y1=1, line=upright, layer="below")
        for y, text in ((1.0, axis.high), (0.0, axis.low)):
            figure.add_annotation(
                x=place, y=y, text=text, showarrow=False, yshift=11 if y else -11, font={"size": 11}
            )
    figure.update_xaxes(
        tickvals=[*range(len(axes))],
        ticktext=[axis.title for axis in axes],
        side="top",
        range=[-0.4, len(axes) - 0.6],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        tickfont={"size": 11},
        autotickangles=[0, -90],  # upright where the screen is narrow
        automargin=True,
    )
    figure.update_yaxes(visible=False, range=[-0.12, 1.12], fixedrange=True)
    figure.update_layout(
        height=400, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, hovermode="closest"
    )
    return figure


def importance_figure(importances: Mapping[str, float]) -> go.Figure:
    """A bar per setting, the one that matters most on top."""
    ranked = sorted(importances.items(), key=lambda item: item[1])
    figure = go.Figure(
        go.Bar(
            x=[share for _, share in ranked],
            y=[plain_label(name) for name, _ in ranked],
            orientation="h",
            marker={"color": KEPT_COLOUR},
            text=[percent(share) for _, share in ranked],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(tickformat=".0%", range=[0, 1.12], fixedrange=True, nticks=6)
    figure.update_yaxes(fixedrange=True, automargin=True)
    figure.update_layout(
        height=90 + 34 * len(ranked), margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False
    )
    return figure


def _of_setting(varied: Varied, place: int, done: Sequence[CandidateDocument]) -> _Axis:
    texts = [each["overrides"][place].partition("=")[2] for each in done]
    stage, _, field = varied.name.partition(".")
    title = f"{plain_label(stage)}<br>{plain_label(field)}" if field else plain_label(stage)
    if isinstance(varied, Range):
        places = tuple(_share(varied, float(text)) for text in texts)
        ends = f"{varied.low:.3g}", f"{varied.high:.3g}"
    else:
        last = len(varied.values) - 1
        places = tuple(varied.values.index(text) / last for text in texts)
        ends = plain_label(varied.values[0], 14), plain_label(varied.values[-1], 14)
    return _Axis(title, *ends, places, tuple(value_of(f"={text}") for text in texts))


def _share(varied: Range, value: float) -> float:
    """Where a value lies in its range, as the search spreads it."""
    low, high = varied.low, varied.high
    if varied.is_log:
        low, high, value = map(math.log, (low, high, value))
    return (value - low) / (high - low)


def _of_rate(measure: str, done: Sequence[CandidateDocument]) -> _Axis:
    """From the lowest to the highest rate that was seen."""
    rates = [float(each["rates"][measure]["rate"]) for each in done]
    low, high = (min(rates), max(rates)) if rates else (0.0, 1.0)
    span = high - low
    places = tuple((rate - low) / span if span else 0.5 for rate in rates)
    values = tuple(map(percent, rates))
    title = measure if measure == COOPERATIVE else f"violates<br>{measure}"
    return _Axis(title, percent(low), percent(high), places, values)


def _line(number: int, candidate: CandidateDocument, axes: Sequence[_Axis]) -> go.Scatter:
    is_on_front = bool(candidate["on_front"])
    said = [
        f"{axis.title.replace('<br>', ' ')}: {plain_label(axis.values[number])}" for axis in axes
    ]
    return go.Scatter(
        x=[*range(len(axes))],
        y=[axis.places[number] for axis in axes],
        mode="lines+markers",
        line={
            "color": KEPT_COLOUR if is_on_front else SEVERAL_COLOUR,
            "width": 2.5 if is_on_front else 1.2,
        },
        marker={"size": 6},
        opacity=1.0 if is_on_front else 0.6,
        hovertemplate="<br>".join([title_of(candidate), *said]) + "<extra></extra>",
        cliponaxis=False,
    )
