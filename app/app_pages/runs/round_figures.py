"""Pictures of a pipeline's rounds: what their prompts yielded, and what they changed."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.app_pages.runs.rounds_of import Round, change_rows
from app.ui.theme import DROPPED_COLOUR, KEPT_COLOUR, SEVERAL_COLOUR, stage_colour
from grice_core.evaluation.numbers import points, points_interval

_ROW_PX, _TOP_PX = 44, 70
_SPREAD = 0.5
"""Part of a row's height over which rounds are spread."""
_PATTERNS = ("", "/", ".", "x", "-")
"""Of prompts without a pair, by reason: colour alone does not tell them apart."""


def yield_figure(rounds: Sequence[Round]) -> go.Figure:
    """One bar per round: prompts with a pair, and those without by reason."""
    figure = go.Figure()
    names = [each.title for each in rounds]
    sampled = [each.noted["sampled"] for each in rounds]
    _bar(figure, "a pair", names, [one["num_pairs"] for one in sampled], KEPT_COLOUR)
    reasons = list(dict.fromkeys(reason for one in sampled for reason in one["dropped"]))
    for place, reason in enumerate(reasons):
        counts = [one["dropped"].get(reason, 0) for one in sampled]
        if any(counts):
            colour = (DROPPED_COLOUR, SEVERAL_COLOUR)[place % 2]
            _bar(figure, reason, names, counts, colour, _PATTERNS[place % len(_PATTERNS)])
    figure.update_xaxes(fixedrange=True, rangemode="tozero", nticks=6)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix=" ")
    figure.update_layout(barmode="stack", **_layout(len(rounds)))
    return figure


def _bar(
    figure: go.Figure,
    name: str,
    rounds: Sequence[str],
    counts: Sequence[int],
    colour: str,
    pattern: str = "",
) -> None:
    figure.add_bar(
        name=name,
        orientation="h",
        x=counts,
        y=rounds,
        width=0.6,
        marker={"color": colour, "pattern": {"shape": pattern}},
        hovertemplate="%{x:,} prompts<extra>%{fullData.name}</extra>",
    )


def changes_figure(rounds: Sequence[Round]) -> go.Figure:
    """One row per measure, one dot per round with its interval."""
    figure = go.Figure()
    measures = list(
        dict.fromkeys(row.measure for each in rounds for row in change_rows(each.noted))
    )
    for place, each in enumerate(rounds):
        rows = change_rows(each.noted)
        offset = _SPREAD * (place / max(len(rounds) - 1, 1) - 0.5) if len(rounds) > 1 else 0.0
        figure.add_scatter(
            name=each.title,
            x=[100 * row.change.difference for row in rows],
            y=[measures.index(row.measure) + offset for row in rows],
            mode="markers",
            marker={
                "color": stage_colour(place),
                "size": 9,
                "symbol": "circle" if each.is_in_effect else "circle-open",
            },
            error_x={
                "array": [100 * (row.change.interval.high - row.change.difference) for row in rows],
                "arrayminus": [
                    100 * (row.change.difference - row.change.interval.low) for row in rows
                ],
                "width": 0,
                "thickness": 2,
                "color": stage_colour(place),
            },
            customdata=[
                f"{points(row.change.difference)} {points_interval(row.change.interval)}"
                for row in rows
            ],
            hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(fixedrange=True, nticks=7, zeroline=True, zerolinecolor=SEVERAL_COLOUR)
    figure.update_yaxes(
        tickvals=list(range(len(measures))),
        ticktext=[f"{measure} " for measure in measures],
        range=[len(measures) - 0.5, -0.5],
        fixedrange=True,
        zeroline=False,
    )
    figure.update_layout(**_layout(len(measures)))
    return figure


def _layout(num_rows: int) -> dict[str, object]:
    return {
        "height": _TOP_PX + _ROW_PX * num_rows,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
    }
