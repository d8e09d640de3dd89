"""The board on which a recipe's stages are cut: controls above, their effect below."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.app_pages.stages.border_samples import border_samples
from app.app_pages.stages.cut_toolbar import cut_toolbar
from app.app_pages.stages.stage_advice import is_it_enough, stage_advice
from app.app_pages.stages.stage_evidence import (
    Clicks,
    Evidence,
    learned_rows,
    stage_evidence,
    waterfall_rows,
)
from app.app_pages.stages.stage_panels import stage_panels
from app.app_pages.stages.threshold_controls import threshold_control
from app.state.open_data import OpenData
from app.state.recipe_draft import change_cut, keep_cut
from app.state.threshold_edits import Cut
from app.text.formatting import count_of, stage_title
from app.ui.errors import guarded
from app.ui.histogram_row import Bar
from app.ui.pair_query import margin_text
from app.ui.shown_pairs import PAIRS, rows_text
from app.url.navigation import go_to
from grice_core.data.explore import MarginRange
from grice_core.data.pairs import BoolArray
from grice_core.evaluation.numbers import percent
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.plan import PlannedStage, plan_margins
from grice_core.recipes.summary import StagesSummary, summarise
from grice_core.recipes.thresholds import stage_thresholds

_GO = "gone to pairs"
_MAX_ROWS = 200
"""As many rows as a link can name."""


@st.fragment
@guarded
def stage_board(data: OpenData, exclude: BoolArray | None, only: str | None) -> None:
    """Everything about the session's cut of these pairs; a move redraws only this.

    Args:
        exclude: (N,) pairs that leak into the evaluation, to be left out of training.
        only: the name of the stage that is looked at; None: all of them.
    """
    cut: Cut = st.session_state["cut"]
    keep_cut(cut)
    held_out = data.held_out(cut.recipe.holdout_share)
    plan = plan_margins(cut.recipe, data.margins, held_out, exclude)
    summary = summarise({stage.config.name: stage.filtered for stage in plan}, data.margins)
    shown = [stage for stage in plan if only in (None, stage.config.name)]
    cut_toolbar(cut)
    for stage, place in zip(shown, _columns(len(shown)), strict=True):
        with place, st.container(border=True, height="stretch"):
            _counts_and_controls(stage, data)
    log = st.toggle("Logarithmic counts", True, key="log_counts", help="Makes small bars visible.")
    _evidence(shown, summary, data, log)
    _follow_clicks(plan, data)
    for stage in shown:
        border_samples(stage, data)


def _columns(num: int) -> "Sequence[st.delta_generator.DeltaGenerator]":
    """Side by side as far as there is room: two in a row, one as wide as both."""
    if num == 1:
        return [st.container()]
    return [column for _ in range(0, num, 2) for column in st.columns(2)][:num]


def _counts_and_controls(stage: PlannedStage, data: OpenData) -> None:
    num_kept, num_pairs = stage.filtered.num_kept, len(data.table)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.subheader(
            stage_title(stage.config.name, stage.config.title), anchor=False, width="content"
        )
        is_it_enough(stage)
    st.markdown(f"keeps **{num_kept:,}** of {num_pairs:,} ({percent(num_kept / num_pairs)})")
    st.caption(
        f"{count_of(len(stage.train_indices), 'pair')} to train on, "
        f"{len(stage.heldout_indices):,} held out, {count_of(stage.num_steps, 'optimizer step')}"
    )

    def move(name: str, value: float) -> None:
        change_cut(lambda cut: cut.with_moves({name: value}))

    found = stage_thresholds(stage.config)
    if not found:
        st.caption(
            "Uses the pairs kept by the stages of another recipe; it has no thresholds of its own."
        )
    for threshold in found:
        threshold_control(threshold, move)
    stage_advice(stage, data)


def _evidence(
    shown: Sequence[PlannedStage], summary: StagesSummary, data: OpenData, log: bool
) -> None:
    numbers = {stage.name: stage for stage in summary.stages}
    stages = [
        Evidence(
            title=stage_title(stage.config.name, stage.config.title),
            panels=stage_panels(data, stage.config, stage.filtered.kept),
            dropped=waterfall_rows(numbers[stage.config.name].dropped, stage.filtered.num_kept),
            learned=learned_rows(stage.config, numbers[stage.config.name]),
        )
        for stage in shown
    ]
    # Going to another page is not possible before this one runs.
    clicks = Clicks(bar=_remember, overlap=_remember)
    stage_evidence(stages, summary.overlap, log, clicks)


def _remember(clicked: Bar | tuple[str, str]) -> None:
    st.session_state[_GO] = clicked


def _follow_clicks(plan: Sequence[PlannedStage], data: OpenData) -> None:
    """Show the pairs behind a bar, or those that two stages share."""
    clicked: Bar | tuple[str, str] | None = st.session_state.pop(_GO, None)
    if isinstance(clicked, Bar) and clicked.panel in MAXIMS:
        wanted = MarginRange(Maxim(clicked.panel), clicked.low, clicked.high)
        go_to("data", view=PAIRS, margin=margin_text(wanted))
    elif isinstance(clicked, tuple):
        one, other = (stage.filtered.kept for stage in plan if stage.config.name in clicked)
        rows = data.table.rows[np.flatnonzero(one & other)[:_MAX_ROWS]]
        go_to("data", view=PAIRS, rows=rows_text(rows.tolist()))
