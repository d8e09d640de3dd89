"""Why pairs were dropped: each reason takes its share off all pairs; what remains is kept."""

from collections.abc import Mapping

import plotly.graph_objects as go

from app.theme import KEPT_COLOUR, SEVERAL_COLOUR
from app.wording import percent, plain_label


def waterfall_figure(dropped: Mapping[str, int], num_kept: int) -> go.Figure:
    """Bars from top to bottom, one per reason in the order in which they are asked, then the kept."""
    total = max(sum(dropped.values()) + num_kept, 1)
    starts, above = [], 0
    for count in [*dropped.values(), num_kept]:
        starts.append(above)
        above += count
    counts = [*dropped.values(), num_kept]
    names = [*(plain_label(reason, 24) for reason in dropped), "<b>kept</b>"]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[f"{name} " for name in names],
            x=counts,
            base=starts,
            marker_color=[SEVERAL_COLOUR] * len(dropped) + [KEPT_COLOUR],
            customdata=[percent(count / total) for count in counts],
            hovertemplate="%{y}: %{x:,} (%{customdata})<extra></extra>",
        )
    )
    for name, start, count in zip(names, starts, counts, strict=True):
        # Beside the bar, on the side where there is room.
        is_left = start + count > 0.7 * total
        figure.add_annotation(
            x=start if is_left else start + count,
            y=f"{name} ",
            text=f"{count:,}",
            showarrow=False,
            xanchor="right" if is_left else "left",
            xshift=-4 if is_left else 4,
        )
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticks="")
    figure.update_xaxes(range=[0, total], fixedrange=True, showgrid=False, visible=False)
    figure.update_layout(
        height=40 + 30 * len(names),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        bargap=0.35,
    )
    return figure
