"""The board on which a recipe's stages are cut: levers above, what they do below."""

import streamlit as st

from app.chosen_recipe import keep_cut
from app.components.border_samples import border_samples
from app.components.cut_toolbar import cut_toolbar
from app.components.histogram_row import Bar, histogram_row
from app.components.margin_table import margin_table
from app.components.pair_query import margin_text
from app.components.stage_advice import stage_advice
from app.components.stage_panels import stage_panels
from app.components.threshold_controls import threshold_control
from app.components.waterfall import waterfall
from app.cut import Cut
from app.failures import guarded
from app.navigation import go_to
from app.open_data import OpenData
from app.wording import count_of, percent
from grice_core.data.explore import MarginRange
from grice_core.data.pairs import BoolArray
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import StageConfig
from grice_core.recipes.plan import PlannedStage, plan_margins
from grice_core.recipes.summary import StagesSummary, StageSummary, summarise
from grice_core.recipes.thresholds import stage_thresholds


@st.fragment
@guarded
def stage_board(data: OpenData, exclude: BoolArray | None = None) -> None:
    """Everything about the session's cut of these pairs; a move redraws only this."""
    cut: Cut = st.session_state["cut"]
    keep_cut(cut)
    held_out = data.held_out(cut.recipe.holdout_share)
    plan = plan_margins(cut.recipe, data.margins, held_out, exclude)
    summary = summarise({stage.config.name: stage.filtered for stage in plan}, data.margins)
    cut_toolbar(cut)
    for stage, place in zip(plan, _columns(len(plan)), strict=True):
        with place, st.container(border=True, height="stretch"):
            _answer_and_levers(stage, data, cut)
    log = st.toggle("Logarithmic counts", True, key="log_counts", help="Shows small bars, too.")
    for stage in plan:
        _histograms(stage, data, log)
    for part in (_waterfall, _learned):
        for stage, numbers, place in zip(plan, summary.stages, _columns(len(plan)), strict=True):
            with place:
                part(stage, numbers)
    _overlap(summary)
    for stage in plan:
        border_samples(stage, data)


def _columns(num: int) -> "list[st.delta_generator.DeltaGenerator]":
    """Side by side as far as there is room: two in a row."""
    return [column for _ in range(0, num, 2) for column in st.columns(2)][:num]


def _title(stage: StageConfig) -> str:
    return " · ".join(filter(None, [stage.name.replace("stage", "Stage "), stage.title]))


def _answer_and_levers(stage: PlannedStage, data: OpenData, cut: Cut) -> None:
    num_kept, num_pairs = stage.filtered.num_kept, len(data.table)
    st.subheader(_title(stage.config), anchor=False)
    st.markdown(f"keeps **{num_kept:,}** of {num_pairs:,} ({percent(num_kept / num_pairs)})")
    st.caption(
        f"{count_of(len(stage.train_indices), 'pair')} to train on, "
        f"{len(stage.heldout_indices):,} held out, {count_of(stage.num_steps, 'optimizer step')}"
    )

    def move(name: str, value: float) -> None:
        keep_cut(cut.with_moves({name: value}))

    found = stage_thresholds(stage.config)
    if not found:
        st.caption("Takes over what the stages of another recipe keep; there is nothing to move.")
    for threshold in found:
        threshold_control(threshold, move)
    stage_advice(stage, data.margins, cut)


def _histograms(stage: PlannedStage, data: OpenData, log: bool) -> None:
    name = stage.config.name
    st.markdown(f"**{_title(stage.config)}** — data margins, all pairs pale, kept ones solid")
    panels = stage_panels(data, stage.config, stage.filtered.kept)
    histogram_row(panels, log, key=f"histograms {name}", on_click=_remember_bar)
    bar: Bar | None = st.session_state.pop("clicked_bar", None)
    if bar is not None and bar.panel in MAXIMS:
        wanted = MarginRange(Maxim(bar.panel), bar.low, bar.high)
        go_to("data", view="Pairs", margin=margin_text(wanted))


def _remember_bar(bar: Bar) -> None:
    # Going to another page is not possible before this one runs.
    st.session_state["clicked_bar"] = bar


def _waterfall(stage: PlannedStage, numbers: StageSummary) -> None:
    st.markdown(f"**{_title(stage.config)}** — why pairs were dropped")
    waterfall(numbers.dropped, numbers.kept, key=f"waterfall {numbers.name}")


def _learned(stage: PlannedStage, numbers: StageSummary) -> None:
    st.markdown(f"**{_title(stage.config)}** — data margins of the kept pairs")
    st.table(margin_table(stage.config, numbers))


def _overlap(summary: StagesSummary) -> None:
    for stages, count in summary.overlap.items():
        one, other = stages.split("&")
        st.markdown(f"{one} and {other} share **{count_of(count, 'pair')}**.")
