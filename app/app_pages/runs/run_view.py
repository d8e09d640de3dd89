"""One run: how it stands, what to know of it, its live curves beside others', its log."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.app_pages.runs.answers_view import answers_view
from app.app_pages.runs.kept_step import kept_step_of, kept_step_view
from app.app_pages.runs.round_view import round_view
from app.app_pages.runs.rounds_of import rounds_of
from app.app_pages.runs.run_controls import run_controls
from app.app_pages.runs.run_feed import RunFeed, feed_of
from app.app_pages.runs.run_log import run_log
from app.app_pages.runs.training_curves import (
    DASHES,
    CurvePanel,
    Overlay,
    curve_figure,
    curve_panels,
)
from app.state.session import studio
from app.state.stored_spec import reading
from app.text.formatting import number, plain_markdown, sentence, signed
from app.text.round_text import phase_of
from app.text.run_text import current_troubles, standing
from app.ui.errors import failures_shown
from app.ui.running_work import share_done
from grice_core.evaluation.numbers import percent
from grice_core.store.states import RunState
from grice_core.store.tables import Run

_FEEDS = "run feeds"
_INTERRUPTED = "interrupted"


def run_view(run: Run, reason: str | None, chain: Sequence[Run], others: Sequence[Run]) -> None:
    """Show a run.

    Args:
        reason: why it waits, if it does.
        chain: all runs of its pipeline.
        others: trainings of other pipelines, to be drawn beside its own.
    """
    said = standing(run) if reason is None else f"{standing(run)}: {reason}"
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(f"**{plain_markdown(said)}**", width="content")
        run_controls(run)
    if run.state is RunState.RUNNING and run.num_steps and not phase_of(run):
        st.progress(share_done(run))
    if run.error and run.state is RunState.FAILED:
        st.error(plain_markdown(sentence(run.error)), icon=":material/error:")
    with failures_shown(), reading(run):
        _troubles(current_troubles(run))
    with failures_shown(), reading(run):
        round_view(run, rounds_of(chain))
        kept_step_view(run)
    if run.stage:
        _curves(run, others)
        answers_view(run)
    run_log(run.id)


def _troubles(troubles: Mapping[str, str]) -> None:
    for kind, trouble in troubles.items():
        show = st.info if kind == _INTERRUPTED else st.warning
        icon = ":material/restart_alt:" if kind == _INTERRUPTED else ":material/monitor_heart:"
        show(plain_markdown(sentence(trouble)), icon=icon)


def _curves(run: Run, others: Sequence[Run]) -> None:
    known: dict[int, RunFeed] = st.session_state.setdefault(_FEEDS, {})
    shown = [run, *others]
    feeds = [feed_of(each, known) for each in shown]
    st.session_state[_FEEDS] = {feed.run_id: feed for feed in feeds}  # those left are forgotten
    for feed in feeds:
        feed.update(studio().database)
    own, *_ = feeds
    if not own.last_step:
        st.caption("The curves begin with the first optimizer step.")
        return
    overlays = [
        Overlay(f"pipeline {other.pipeline_id}", feed, dash)
        for other, feed, dash in zip(others, feeds[1:], DASHES, strict=False)
    ]
    _figures(own)
    st.caption("By optimizer step:")
    panels = list(curve_panels(own))
    for left in range(0, len(panels), 2):  # row by row, so that titles stand at one height
        for panel, place in zip(panels[left : left + 2], st.columns(2), strict=False):
            with place:
                _curve(panel, own, run, overlays)


def _curve(panel: CurvePanel, feed: RunFeed, run: Run, overlays: Sequence[Overlay]) -> None:
    st.markdown(f"**{plain_markdown(panel.title)}**")
    st.plotly_chart(
        curve_figure(panel, feed, run.num_steps, overlays, kept_step_of(run)),
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
