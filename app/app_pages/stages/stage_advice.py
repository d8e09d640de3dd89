"""What to do about a stage that keeps too few pairs, or the wrong ones."""

from collections.abc import Mapping

import streamlit as st

from app.app_pages.stages.side_effects import effects_table, warn_of_side_effects
from app.state.open_data import OpenData
from app.state.recipe_draft import change_cut
from app.text.formatting import number, plain_markdown
from grice_core.data.pairs import FloatArray
from grice_core.recipes.plan import FEW_PAIRS, PlannedStage
from grice_core.recipes.side_effects import effects_of
from grice_core.recipes.suggest import Move, joint_move, out_of_reach, single_moves, steps_towards


def is_it_enough(stage: PlannedStage) -> None:
    """One badge."""
    if stage.caution is None:
        st.badge("enough to train on", icon=":material/check:", color="green")
    elif stage.fills_a_step:
        st.badge("few to train on", icon=":material/warning:", color="orange")
    else:
        st.badge("too few to train on", icon=":material/error:", color="red")


def stage_advice(stage: PlannedStage, data: OpenData) -> None:
    """What a stage teaches besides; where it is too small, thresholds that would keep enough."""
    margins = data.margins
    (effects,) = effects_of([stage], data.table)
    name = stage.config.name
    # First, close to the histograms: what opens has room above, whatever advice follows.
    with st.container(horizontal=True):
        finder = st.popover(
            "Keep at least …", icon=":material/filter_alt:", key=f"finder {name}", on_change="rerun"
        )
        with st.popover("What it teaches", icon=":material/balance:", key=f"effects {name}"):
            effects_table(effects)
    if stage.caution:
        st.warning(plain_markdown(stage.caution), icon=":material/warning:")
        _show_the_way(stage, margins, at_least=2 * FEW_PAIRS)
    warn_of_side_effects(effects)
    if finder.open:  # looking for thresholds takes longer than all the rest
        with finder:
            _find_thresholds(stage, margins)


def _show_the_way(stage: PlannedStage, margins: FloatArray, at_least: int) -> None:
    moves = single_moves(stage.config, margins, at_least)
    if not moves:
        st.caption(plain_markdown(out_of_reach(stage.config, margins, at_least)))
        return
    best = moves[0]
    st.markdown(
        f"Move **{plain_markdown(best.threshold.statistic)}** alone, from "
        f"{number(best.threshold.above)} to {number(best.above)}: it would keep {best.kept:,}. "
        "Each step:"
    )
    with st.container(horizontal=True, gap="small"):
        for step in steps_towards(best, stage.config, margins):
            st.button(
                f"{number(step.above)} → {step.kept:,}",
                key=f"step {best.threshold.name} {step.above}",
                help=f"Set the threshold to {number(step.above)}",
                on_click=lambda step=step: _take({step.threshold.name: step.above}),
            )


def _find_thresholds(stage: PlannedStage, margins: FloatArray) -> None:
    name = stage.config.name
    at_least = int(
        st.number_input("Pairs to keep", min_value=1, value=500, step=50, key=f"at least {name}")
    )
    if stage.filtered.num_kept >= at_least:
        st.caption(f"It keeps {stage.filtered.num_kept:,} already.")
        return
    together = joint_move(stage.config, margins, at_least)
    for move in single_moves(stage.config, margins, at_least):
        _offer(move)
    if together is None:
        st.caption(plain_markdown(out_of_reach(stage.config, margins, at_least)))
    else:
        st.button(
            "Move all together, each a little",
            key=f"together {name}",
            on_click=lambda: _take(together),
        )


def _offer(move: Move) -> None:
    st.button(
        f"Only {plain_markdown(move.threshold.statistic)} \\> {number(move.above)}: keeps {move.kept:,}",
        key=f"only {move.threshold.name}",
        on_click=lambda: _take({move.threshold.name: move.above}),
    )


def _take(moves: Mapping[str, float]) -> None:
    change_cut(lambda cut: cut.with_moves(moves))
