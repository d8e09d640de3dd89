"""What a cut does to each stage: histograms with the cut-off lines, drop reasons, what is learned.

One component for all of it: a moved threshold is then one message to the browser and one redraw, where
Streamlit's own elements took half a second to be put together again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components import v2

from app.text.formatting import count_of, number, signed, stage_title
from app.ui.histogram_row import Bar, Panel, panel_data
from app.ui.scripts import UI, joined
from app.ui.theme import MAXIM_COLOURS
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import StageConfig
from grice_core.recipes.summary import MarginSummary, StageSummary

_HERE = Path(__file__).parent
_render = v2.component(
    "grice_stage_evidence",
    html='<div class="evidence"></div>',
    css=joined(UI / "histogram.css", _HERE / "stage_evidence.css"),
    js=joined(UI / "histogram.js", _HERE / "stage_evidence.js"),
)


@dataclass(frozen=True)
class Evidence:
    """What is shown of one stage."""

    title: str
    panels: Sequence[Panel]
    dropped: Sequence[Mapping[str, Any]]
    """See `waterfall_rows`."""
    learned: Sequence[Mapping[str, str]]
    """See `learned_rows`."""


@dataclass(frozen=True)
class Clicks:
    """Callbacks for clicks; they run before the page runs again."""

    bar: Callable[[Bar], None]
    overlap: Callable[[tuple[str, str]], None]
    """Gets the names of the two stages."""


def stage_evidence(
    stages: Sequence[Evidence], overlap: Mapping[str, int], log: bool, clicks: Clicks
) -> None:
    """Show some stages; `overlap` counts the pairs that two stages, as in `stage1&stage2`, share."""
    key = "stage evidence"

    def bar_clicked() -> None:
        bar = st.session_state[key].bar
        clicks.bar(Bar(bar["panel"], round(bar["low"], 6), round(bar["high"], 6)))

    def overlap_clicked() -> None:
        one, other = st.session_state[key].overlap["stages"]
        clicks.overlap((one, other))

    shown = {
        "log": log,
        "stages": [
            {
                "title": stage.title,
                "panels": [panel_data(panel) for panel in stage.panels],
                "dropped": list(stage.dropped),
                "learned": list(stage.learned),
            }
            for stage in stages
        ],
        "overlaps": [_overlap(names, count) for names, count in overlap.items()],
    }
    _render(data=shown, key=key, on_bar_change=bar_clicked, on_overlap_change=overlap_clicked)


def waterfall_rows(dropped: Mapping[str, int], num_kept: int) -> list[dict[str, Any]]:
    """Each reason takes its share off all pairs, in the order in which they are asked; then the kept.

    Counts, and where each bar starts and how long it is, in shares of all pairs.
    """
    names = [*dropped, "kept"]
    counts = [*dropped.values(), num_kept]
    total = max(sum(counts), 1)
    starts = [0, *accumulate(counts)][:-1]
    return [
        {
            "name": name,
            "count": count,
            "start": start / total,
            "share": count / total,
            "is_kept": index == len(dropped),
        }
        for index, (name, count, start) in enumerate(zip(names, counts, starts, strict=True))
    ]


def learned_rows(stage: StageConfig, summary: StageSummary) -> list[dict[str, str]]:
    """Per maxim mean ± sd of the kept pairs' data margins, and whether training gets the sign it needs."""
    weights = stage.weights.as_array()
    return [
        {
            "maxim": maxim.value,
            "colour": MAXIM_COLOURS[maxim],
            "mean_sd": _mean_sd(summary.margins[maxim]),
            "verdict": _verdict(summary.margins[maxim])
            if weights[maxim.column] > 0
            else "not trained here",
        }
        for maxim in MAXIMS
    ]


def _overlap(names: str, count: int) -> dict[str, Any]:
    one, other = names.split("&")
    words = f"{stage_title(one)} and {stage_title(other)} share {count_of(count, 'pair')}."
    return {"words": words, "stages": [one, other], "count": count}


def _mean_sd(margin: MarginSummary) -> str:
    if margin.mean is None or margin.std is None:
        return "–"
    return f"{signed(margin.mean)} ± {number(margin.std)}"


def _verdict(margin: MarginSummary) -> str:
    if margin.mean is None:
        return "no pairs"
    return "✓ yes" if margin.mean > 0 else "✗ no"
