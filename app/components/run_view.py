"""One run: how it stands, its live curves, its log."""

import streamlit as st

from app.components.run_controls import run_controls
from app.components.run_log import run_log
from app.components.training_curves import CurvePanel, curve_figure, curve_panels
from app.run_feed import RunFeed
from app.run_words import standing
from app.session import studio
from app.wording import number, percent, plain_markdown, signed
from grice_core.store import runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run

_FEED = "run feed"


def run_view(run_id: int) -> RunState:
    """Show a run; returns how it stands."""
    run = runs.get(studio().database, run_id)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.markdown(f"**{plain_markdown(standing(run))}**")
    with right:
        run_controls(run)
    if run.state is RunState.RUNNING and run.num_steps:
        st.progress(min(run.step / run.num_steps, 1.0))
    if run.error:
        show = st.error if run.state is RunState.FAILED else st.warning
        show(plain_markdown(run.error[:1].upper() + run.error[1:]))
    if run.stage:
        _curves(run)
    run_log(run.id)
    return run.state


def _curves(run: Run) -> None:
    feed: RunFeed | None = st.session_state.get(_FEED)
    if feed is None or not feed.follows(run):
        feed = st.session_state[_FEED] = RunFeed.of(run)
    feed.update(studio().database)
    if not feed.steps:
        st.caption("The curves begin with the first optimizer step.")
        return
    _figures(feed)
    st.caption("By optimizer step:")
    panels = list(curve_panels(feed))
    for left in range(0, len(panels), 2):  # row by row, so that titles stand at one height
        for panel, place in zip(panels[left : left + 2], st.columns(2), strict=False):
            with place:
                _curve(panel, feed, run)


def _curve(panel: CurvePanel, feed: RunFeed, run: Run) -> None:
    st.markdown(f"**{plain_markdown(panel.title)}**")
    st.plotly_chart(
        curve_figure(panel, feed, run.num_steps),
        key=f"curve {run.id} {panel.title}",
        config={"displayModeBar": False},
        alt=f"{panel.title} by step. {panel.reading}",
    )
    st.caption(plain_markdown(panel.reading))


def _figures(feed: RunFeed) -> None:
    """The latest of the numbers that say most."""
    shown = (
        ("held-out reward accuracy", "heldout/rewards/accuracies", percent),
        ("held-out reward margin", "heldout/rewards/margins", signed),
        ("loss", "loss", number),
        ("tokens per second", "tokens_per_s", lambda value: f"{value:,.0f}"),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, name, write in shown:
            value = feed.latest(name)
            st.metric(label, "–" if value is None else write(value), width="content")
