"""The histograms that a stage is cut on: its four margins, and each number of several margins."""

from collections.abc import Iterator

from app.state.open_data import OpenData
from app.ui.histogram_row import Panel
from app.ui.theme import MAXIM_COLOURS, SEVERAL_COLOUR
from grice_core.data.pairs import BoolArray
from grice_core.data.rules import Cut
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import StageConfig
from grice_core.recipes.thresholds import Threshold, stage_thresholds


def stage_panels(data: OpenData, stage: StageConfig, kept: BoolArray) -> list[Panel]:
    """The panels of one stage; `kept` (N,) is what its filter decided."""
    found = stage_thresholds(stage)
    return [*_margin_panels(data, found, kept), *_sum_panels(data, found, kept)]


def _margin_panels(
    data: OpenData, found: tuple[Threshold, ...], kept: BoolArray
) -> Iterator[Panel]:
    counts = data.bins.histogram(kept)
    for maxim in MAXIMS:
        yield Panel(
            title=maxim,
            colour=MAXIM_COLOURS[maxim],
            edges=data.bins.edges,
            total=data.bins.total[maxim.column],
            kept=counts[maxim.column],
            cuts=tuple(cut for threshold in found for cut in threshold.rule.cuts(maxim)),
        )


def _sum_panels(data: OpenData, found: tuple[Threshold, ...], kept: BoolArray) -> Iterator[Panel]:
    for threshold in found:
        if not threshold.rule.is_shown_apart:
            continue
        bins = data.strength_bins(threshold.rule)
        yield Panel(
            title=threshold.statistic,
            colour=SEVERAL_COLOUR,
            edges=bins.edges * threshold.range[1],
            total=bins.total[0],
            kept=bins.histogram(kept)[0],
            cuts=(Cut(threshold.above),),
        )
