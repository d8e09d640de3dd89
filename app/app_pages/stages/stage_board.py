"""What is done with a recipe's stages on a data set: cut, read at the border, saved, launched."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app.app_pages.stages.border_samples import border_samples, shows_border
from app.app_pages.stages.columns import Columns, published
from app.app_pages.stages.cut_board import Callbacks, board_data, cut_board
from app.app_pages.stages.cut_toolbar import cut_toolbar
from app.app_pages.stages.plain_board import plain_board
from app.app_pages.stages.stage_advice import stage_advice
from app.server.memory import return_freed_memory
from app.state.open_data import OpenData
from app.state.recipe_draft import change_cut, keep_cut
from app.state.threshold_edits import Cut
from app.ui.errors import guarded
from app.ui.histogram_row import Bar
from app.ui.pair_query import bar_range, margin_text
from app.ui.shown_pairs import PAIRS, rows_text
from app.url import params
from app.url.navigation import go_to
from app.url.widgets import linked_switch
from grice_core.data.pairs import BoolArray
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.plan import PlannedStage, plan_margins
from grice_core.recipes.summary import summarise
from grice_core.recipes.thresholds import stage_thresholds

_GO, _HELD = "gone to pairs", "held moves"
_LOG, _PLAIN = "log_counts", "plain"
_HOW_EXACT = (
    "While a line moves, the browser counts: pairs exactly, means to 0.001 or so, from cells 0.01 wide; "
    "a threshold with more than two digits is exact once it is let go, when the server counts."
)
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
    is_plain = params.get(_PLAIN) == "1"
    share = cut.recipe.holdout_share
    # Which of a million prompts are held out takes seconds to find; all else is shown before.
    held_out = data.held_out(share) if data.knows_held_out(share) or is_plain else None
    plan = _planned(cut, data, exclude, held_out)
    summary = summarise({stage.config.name: stage.filtered for stage in plan}, data.margins)
    cut_toolbar(cut, data.margins)
    if is_plain:
        plain_board(_shown(plan, only), summary, _move)
    else:
        columns = published(Columns(data, (cut.origin, cut.recipe)).files(exclude, held_out))
        sent = board_data(plan, summary, columns, only, st.session_state.get(_LOG, True))
        # Going to another page is not possible before this one runs.
        callbacks = Callbacks(moved=_move, held=_hold, bar=_remember, overlap=_remember)
        follows = any(shows_border(stage) for stage in _shown(plan, only))
        cut_board(sent, callbacks, follows=follows)
    _switches(is_plain)
    _follow_clicks(plan, data)
    if held_out is None:
        data.held_out(share)
        return_freed_memory()
        st.rerun()
    _advice(_shown(plan, only), data)
    if held := st.session_state.pop(_HELD, None):
        plan = _planned(cut.with_moves(held), data, exclude, held_out)
    for stage in _shown(plan, only):
        border_samples(stage, data)
    if not is_plain:
        st.caption(_HOW_EXACT)


def _planned(
    cut: Cut, data: OpenData, exclude: BoolArray | None, held_out: BoolArray | None
) -> Sequence[PlannedStage]:
    """The stages that are cut, as they are; as if nothing were held out while that is not known."""
    if held_out is None:
        held_out = np.zeros(len(data.table), dtype=np.bool_)
    plan = plan_margins(cut.recipe, data.margins, held_out, exclude)
    return [stage for stage in plan if not stage.awaits_pairs]


def _shown(plan: Sequence[PlannedStage], only: str | None) -> list[PlannedStage]:
    return [stage for stage in plan if only in (None, stage.config.name)]


def _advice(shown: Sequence[PlannedStage], data: OpenData) -> None:
    for stage, place in zip(shown, _columns(len(shown)), strict=True):
        with place:
            if not stage_thresholds(stage.config):
                st.caption(
                    "Uses the pairs kept by the stages of another recipe; it has no thresholds of its own."
                )
            stage_advice(stage, data)


def _switches(is_plain: bool) -> None:
    with st.container(horizontal=True):
        if not is_plain:
            st.toggle("Logarithmic counts", True, key=_LOG, help="Makes small bars visible.")
        linked_switch(
            "Plain controls",
            _PLAIN,
            "Sliders and tables in place of histograms, for a browser that can't run their script.",
        )


def _columns(num: int) -> "Sequence[st.delta_generator.DeltaGenerator]":
    """Side by side as far as there is room: two in a row, one as wide as both."""
    if num == 1:
        return [st.container()]
    return [column for _ in range(0, num, 2) for column in st.columns(2)][:num]


def _move(moves: Mapping[str, float]) -> None:
    change_cut(lambda cut: cut.with_moves(moves))


def _hold(moves: Mapping[str, float]) -> None:
    st.session_state[_HELD] = moves


def _remember(clicked: Bar | tuple[str, str]) -> None:
    st.session_state[_GO] = clicked


def _follow_clicks(plan: Sequence[PlannedStage], data: OpenData) -> None:
    """Show the pairs behind a bar, or those that two stages share."""
    clicked: Bar | tuple[str, str] | None = st.session_state.pop(_GO, None)
    if isinstance(clicked, Bar) and clicked.panel in MAXIMS:
        wanted = bar_range(Maxim(clicked.panel), clicked.low, clicked.high)
        go_to("data", view=PAIRS, margin=margin_text(wanted))
    elif isinstance(clicked, tuple):
        one, other = (stage.filtered.kept for stage in plan if stage.config.name in clicked)
        rows = data.table.rows[np.flatnonzero(one & other)[:_MAX_ROWS]]
        go_to("data", view=PAIRS, rows=rows_text(rows.tolist()))
