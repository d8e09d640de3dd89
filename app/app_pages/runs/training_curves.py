"""The curves of a training, each with one line that says how to read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from app.app_pages.runs.run_feed import RunFeed
from app.ui.theme import BASELINE_COLOUR, DROPPED_COLOUR, KEPT_COLOUR, MAXIM_COLOURS, stage_colour
from grice_core.maxims import MAXIMS

_PRIMARY = "#2F7FC1"
_RETENTION = "retention/"
_ACCURACY = "/rewards/accuracies"


@dataclass(frozen=True)
class Series:
    """One line of a panel."""

    name: str
    metric: str
    colour: str


@dataclass(frozen=True)
class CurvePanel:
    """One chart."""

    title: str
    reading: str
    """How to read it, and when to worry."""
    series: tuple[Series, ...]
    tick_format: str = ""
    from_zero: bool = False


@dataclass(frozen=True)
class Overlay:
    """Another run that is drawn into the same panels."""

    name: str
    feed: RunFeed
    dash: str


DASHES = ("dash", "dot", "dashdot")
"""Of the other runs; the run itself is drawn in full."""


def curve_panels(feed: RunFeed) -> Iterator[CurvePanel]:
    """The panels for which the run has numbers."""
    for panel in (*_LEARNING, *_retention(feed), *_ENGINE):
        series = tuple(line for line in panel.series if line.metric in feed.curves)
        if series:
            yield replace(panel, series=series)


def curve_figure(
    panel: CurvePanel,
    feed: RunFeed,
    num_steps: int | None,
    others: Sequence[Overlay] = (),
    kept_step: int | None = None,
) -> go.Figure:
    """One panel; all panels of a run have the same x axis, and a mark at the step that was kept, if it was chosen."""
    figure = go.Figure()
    for line in panel.series:
        _draw(figure, line, feed, line.name, "solid")
        for other in others:
            _draw(figure, line, other.feed, f"{line.name} · {other.name}", other.dash)
    end = max(num_steps or 1, feed.last_step, *(other.feed.last_step for other in others), 1)
    figure.update_xaxes(
        range=[0, end], fixedrange=True, nticks=6, showgrid=False, title_text="step"
    )
    figure.update_yaxes(
        tickformat=panel.tick_format,
        rangemode="tozero" if panel.from_zero else "normal",
        fixedrange=True,
        nticks=5,
    )
    if kept_step is not None:
        figure.add_vline(
            kept_step,
            line={"color": BASELINE_COLOUR, "width": 1, "dash": "dot"},
            annotation={"text": "kept", "font": {"size": 11}},
            annotation_position="top left" if 2 * kept_step > end else "top right",
        )
    figure.update_layout(
        height=210,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="x unified",
        showlegend=len(panel.series) > 1 or bool(others),
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        uirevision=panel.title,
    )
    return figure


def _draw(figure: go.Figure, line: Series, feed: RunFeed, name: str, dash: str) -> None:
    steps, values = feed.curve(line.metric)
    figure.add_scatter(
        x=steps,
        y=values,
        name=name,
        mode="lines" if len(steps) > 1 else "markers",
        line={"color": line.colour, "width": 1.8, "dash": dash},
        hovertemplate="%{y:.4~g}",
    )


def _retention(feed: RunFeed) -> list[CurvePanel]:
    groups = [
        name.removeprefix(_RETENTION).removesuffix(_ACCURACY)
        for name in feed.curves
        if name.startswith(_RETENTION) and name.endswith(_ACCURACY)
    ]
    lines = tuple(
        Series(group, f"{_RETENTION}{group}{_ACCURACY}", stage_colour(index))
        for index, group in enumerate(groups)
    )
    reading = (
        "Held-out pairs of earlier stages; 50 % is unchanged. Below 40 % this stage undoes "
        "earlier stages: lower the learning rate."
    )
    return [CurvePanel("Retention of earlier stages", reading, lines, ".0%")]


_LEARNING = (
    CurvePanel(
        "Loss",
        "Should fall, noisily, since a step is a few pairs. Flat: raise the learning rate; a jump "
        "upwards: lower it.",
        (
            Series("training", "loss", _PRIMARY),
            Series("held out", "heldout/loss", BASELINE_COLOUR),
            Series("SFT term", "loss/sft", DROPPED_COLOUR),
        ),
    ),
    CurvePanel(
        "Reward accuracy",
        "Share of pairs whose chosen response gained more than the rejected one. Held out should "
        "climb above 50 %; training far above held out means memorising.",
        (
            Series("training", "rewards/accuracies", _PRIMARY),
            Series("held out", "heldout/rewards/accuracies", BASELINE_COLOUR),
        ),
        ".0%",
    ),
    CurvePanel(
        "Loss per maxim",
        "Each maxim's part of the loss; one that does not fall is not being learned.",
        tuple(Series(maxim, f"loss/{maxim}", MAXIM_COLOURS[maxim]) for maxim in MAXIMS),
    ),
    CurvePanel(
        "Held-out accuracy per maxim",
        "Over pairs that clearly differ on the maxim. Below 50 % the model moves the wrong way on it.",
        tuple(
            Series(maxim, f"heldout/accuracies/{maxim}", MAXIM_COLOURS[maxim]) for maxim in MAXIMS
        ),
        ".0%",
    ),
    CurvePanel(
        "Rewards",
        "The gap between chosen and rejected should widen. Chosen may fall a little, as long as "
        "rejected falls faster.",
        (
            Series("chosen", "rewards/chosen", KEPT_COLOUR),
            Series("rejected", "rewards/rejected", "#B3261E"),
            Series("margin", "rewards/margins", _PRIMARY),
        ),
    ),
    CurvePanel(
        "Log-probabilities",
        "A slow fall of chosen is normal; losing half of it means the model forgets how to write: "
        "raise beta.",
        (
            Series("chosen", "logps/chosen", KEPT_COLOUR),
            Series("rejected", "logps/rejected", "#B3261E"),
        ),
    ),
)
_ENGINE = (
    CurvePanel(
        "Learning rate",
        "Rises during the warm-up, then falls to 0 at the last step.",
        (Series("learning rate", "learning_rate", _PRIMARY),),
        ".1e",
    ),
    CurvePanel(
        "Beta",
        "Strength of the pull towards the reference; constant unless the recipe ramps it.",
        (Series("beta", "beta", _PRIMARY),),
        from_zero=True,
    ),
    CurvePanel(
        "Gradient norm",
        "Steps above the recipe's max_grad_norm are clipped. Always far above: lower the learning rate.",
        (Series("gradient norm", "grad_norm", _PRIMARY),),
        from_zero=True,
    ),
    CurvePanel(
        "Tokens per second",
        "Should be level; a drop means something else is using the machine.",
        (Series("tokens per second", "tokens_per_s", _PRIMARY),),
        from_zero=True,
    ),
)
