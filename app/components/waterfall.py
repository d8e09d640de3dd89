"""Why pairs were dropped: each reason takes its share off all pairs; what remains is kept."""

from collections.abc import Mapping
from itertools import accumulate

import plotly.graph_objects as go

from app.theme import DROPPED_COLOUR, KEPT_COLOUR
from app.wording import percent, plain_label


def waterfall_figure(dropped: Mapping[str, int], num_kept: int) -> go.Figure:
    """Bars from top to bottom: one per reason, in the order in which they are asked, then the kept."""
    counts = [*dropped.values(), num_kept]
    total = max(sum(counts), 1)
    starts = [0, *accumulate(counts)][:-1]
    names = [*(plain_label(reason, 24) for reason in dropped), "<b>kept</b>"]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[f"{name} " for name in names],
            x=[count / total for count in counts],
            base=[start / total for start in starts],
            marker_color=[DROPPED_COLOUR] * len(dropped) + [KEPT_COLOUR],
            customdata=[f"{count:,} ({percent(count / total)})" for count in counts],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    for name, start, count in zip(names, starts, counts, strict=True):
        figure.add_annotation(y=f"{name} ", **_count_label(start / total, count / total, count))
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="")
    figure.update_xaxes(range=[0, 1], fixedrange=True, showgrid=False, visible=False)
    figure.update_layout(
        height=40 + 30 * len(names),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        bargap=0.35,
    )
    return figure


def _count_label(start: float, share: float, count: int) -> dict[str, object]:
    """The count within its bar, or beside it, on the side where there is room."""
    label = {"text": f"{count:,}", "showarrow": False}
    if share > 0.2:
        return label | {"x": start + share, "xanchor": "right", "font_color": "white"}
    if start + share > 0.7:
        return label | {"x": start, "xanchor": "right"}
    return label | {"x": start + share, "xanchor": "left"}
