"""The board without a script of ours: a slider for each threshold, and tables of what follows."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app.app_pages.stages.stage_advice import is_it_enough
from app.app_pages.stages.threshold_controls import threshold_control
from app.text.formatting import count_of, number, plain_markdown, signed, stage_title
from grice_core.evaluation.numbers import percent
from grice_core.recipes.plan import PlannedStage
from grice_core.recipes.summary import MarginSummary, StagesSummary, StageSummary
from grice_core.recipes.thresholds import stage_thresholds

Move = Callable[[Mapping[str, float]], None]


def plain_board(shown: Sequence[PlannedStage], summary: StagesSummary, on_move: Move) -> None:
    """Show some stages; `on_move` gets thresholds by their names."""
    numbers = {stage.name: stage for stage in summary.stages}
    for stage in shown:
        with st.container(border=True):
            _stage(stage, numbers[stage.config.name], on_move)
    for names, count in summary.overlap.items():
        one, other = map(stage_title, names.split("&"))
        st.markdown(plain_markdown(f"{one} and {other} share {count_of(count, 'pair')}."))


def _stage(stage: PlannedStage, numbers: StageSummary, on_move: Move) -> None:
    num_pairs = len(stage.filtered.kept)
    with st.container(horizontal=True, vertical_alignment="center"):
        title = stage_title(stage.config.name, stage.config.title)
        st.subheader(title, anchor=False, width="content")
        is_it_enough(stage)
    st.markdown(f"keeps **{numbers.kept:,}** of {num_pairs:,} ({percent(numbers.retention)})")
    st.caption(
        f"{count_of(len(stage.train_indices), 'pair')} to train on, "
        f"{len(stage.heldout_indices):,} held out, {count_of(stage.num_steps, 'optimizer step')}"
    )
    for threshold in stage_thresholds(stage.config):
        threshold_control(threshold, lambda name, value: on_move({name: value}))
    dropped, means = st.columns(2)
    reasons = {plain_markdown(name): f"{count:,}" for name, count in numbers.dropped.items()}
    dropped.table({"dropped because": list(reasons), "pairs": list(reasons.values())})
    means.table(
        {
            "data margin": list(numbers.margins),
            "mean ± sd of the kept": [_mean_sd(found) for found in numbers.margins.values()],
        }
    )


def _mean_sd(margin: MarginSummary) -> str:
    if margin.mean is None or margin.std is None:
        return "–"
    return f"{signed(margin.mean)} ± {number(margin.std)}"
