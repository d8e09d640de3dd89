"""The board on which stages are cut: histograms whose lines are dragged, and what follows from where they are.

A component of our own: the browser has the pairs as columns of codes (`columns.py`) and counts while a threshold
moves; the server gets it when it is let go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components import v2

from app.app_pages.stages.columns import FREE_OF_LEAKS, HELD_OUT, SCORED, column_of
from app.app_pages.stages.stage_panels import Panel, stage_panels
from app.text.formatting import stage_title
from app.ui.histogram_row import Bar
from app.ui.scripts import UI, joined
from grice_core.data.filters import LEAKS, UNSCORED
from grice_core.maxims import Maxim
from grice_core.recipes.config import StageConfig
from grice_core.recipes.plan import FEW_PAIRS, PlannedStage
from grice_core.recipes.summary import StagesSummary
from grice_core.recipes.thresholds import Threshold, stage_thresholds

_KEY, _HEARD = "cut board", "moves heard of"
_HERE = Path(__file__).parent
SCRIPTS = (
    UI / "histogram.js",
    *(_HERE / f"{name}.js" for name in ("cut_engine", "cut_line", "cut_stage", "heat_map")),
    _HERE / "cut_board.js",
)
_WITHOUT_SCRIPT = """<div class="board"><p class="waiting">The histograms need a script that has not run here.
Switch on “Plain controls” below to cut without it.</p></div>"""
_render = v2.component(
    "grice_cut_board",
    html=_WITHOUT_SCRIPT,
    css=joined(UI / "histogram.css", _HERE / "cut_board.css"),
    js=joined(*SCRIPTS),
)


@dataclass(frozen=True)
class Callbacks:
    """What is called, before the page runs again, when something is done on the board."""

    moved: Callable[[Mapping[str, float]], None]
    """Gets thresholds by their names."""
    held: Callable[[Mapping[str, float]], None]
    """The same while a line is held still, which is no change yet; nothing: it went back."""
    bar: Callable[[Bar], None]
    overlap: Callable[[tuple[str, str]], None]
    """Gets the names of the two stages."""


def cut_board(data: Mapping[str, Any], callbacks: Callbacks, *, follows: bool) -> None:
    """Show a board; `data` is what `board_data` says.

    Args:
        follows: whether anything beside the board follows a line that is held still.
    """

    def moved() -> None:
        told = st.session_state[_KEY].moved
        st.session_state[_HEARD] = told["told"]
        callbacks.moved(_moves(told))

    def held() -> None:
        callbacks.held(_moves(st.session_state[_KEY].held))

    def bar_clicked() -> None:
        callbacks.bar(Bar.of(st.session_state[_KEY].bar))

    def overlap_clicked() -> None:
        one, other = st.session_state[_KEY].overlap["stages"]
        callbacks.overlap((one, other))

    _render(
        data={**data, "heard": st.session_state.get(_HEARD, 0), "follows": follows},
        key=_KEY,
        on_moved_change=moved,
        on_held_change=held,
        on_bar_change=bar_clicked,
        on_overlap_change=overlap_clicked,
    )


def _moves(told: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in told["moves"].items()}


def board_data(
    plan: Sequence[PlannedStage],
    summary: StagesSummary,
    columns: Mapping[str, str],
    only: str | None,
    log: bool,
) -> dict[str, Any]:
    """What the board's script draws.

    Args:
        columns: where the browser finds each column, by its name.
        only: the name of the stage that is looked at; None: all of them.
        log: whether histograms count logarithmically.
    """
    titles = {one.config.name: stage_title(one.config.name) for one in plan}
    overlaps = [(names.split("&"), count) for names, count in summary.overlap.items()]
    return {
        "num_pairs": summary.num_pairs,
        "columns": dict(columns),
        "held_out": HELD_OUT if HELD_OUT in columns else None,
        "log": log,
        "stages": [
            {
                **_stage(one.config, columns),
                "is_shown": only in (None, one.config.name),
                "exact": {
                    "kept": exact.kept,
                    "dropped": list(exact.dropped.values()),
                    "held_out": len(one.heldout_indices) if HELD_OUT in columns else None,
                    "margins": {maxim: asdict(found) for maxim, found in exact.margins.items()},
                },
            }
            for one, exact in zip(plan, summary.stages, strict=True)
        ],
        "overlaps": [
            {"stages": names, "titles": [titles[name] for name in names], "count": count}
            for names, count in overlaps
        ],
    }


def _stage(stage: StageConfig, columns: Mapping[str, str]) -> dict[str, Any]:
    found = {one.rule_index: one for one in stage_thresholds(stage)}
    checks = [_check(UNSCORED, SCORED)] if SCORED in columns else []
    first = len(checks)
    checks += [
        _check(rule.name, column_of(rule), found.get(index))
        for index, rule in enumerate(stage.filter)
    ]
    checks += [_check(LEAKS, FREE_OF_LEAKS)] if FREE_OF_LEAKS in columns else []
    return {
        "name": stage.name,
        "title": stage_title(stage.name, stage.title),
        "checks": checks,
        "panels": [_panel(panel, stage, first) for panel in stage_panels(stage)],
        "pairs_per_step": stage.pairs_per_step,
        "epochs": stage.epochs,
        "num_steps": stage.num_steps,
        "few_pairs": FEW_PAIRS,
    }


def _check(name: str, column: str, threshold: Threshold | None = None) -> dict[str, Any]:
    if threshold is None:
        return {"name": name, "column": column, "above": 0.5, "threshold": None}
    low, high = threshold.range
    said = {
        "name": threshold.name,
        "statistic": threshold.statistic,
        "low": low,
        "high": high,
    }
    return {"name": name, "column": column, "above": threshold.above, "threshold": said}


def _panel(panel: Panel, stage: StageConfig, first: int) -> dict[str, Any]:
    """`first` is the place of the filter's first rule among the stage's checks."""
    maxim = panel.counted if isinstance(panel.counted, Maxim) else None
    low, high = panel.range
    return {
        "title": panel.title,
        "maxim": maxim,
        "column": panel.counted
        if isinstance(panel.counted, Maxim)
        else column_of(panel.counted.rule),
        "colour": panel.colour,
        "low": low,
        "high": high,
        "is_trained": maxim is not None and bool(stage.weights.as_array()[maxim.column] > 0),
        "lines": [
            {"check": first + threshold.rule_index, **asdict(line)}
            for threshold, line in panel.lines
        ],
    }
