"""Histograms side by side: kept pairs before all pairs, with the lines where thresholds cut.

A component of our own, since Streamlit mounts a Plotly chart anew whenever its data change: the nine
charts of two stages took seconds per move of a slider where this takes a few milliseconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components import v2

from app.ui.scripts import UI, joined
from grice_core.data.pairs import FloatArray, IntArray
from grice_core.data.rules import Cut


@dataclass(frozen=True, eq=False)
class Panel:
    """One histogram."""

    title: str
    colour: str
    edges: FloatArray
    """(B + 1,) all the same distance apart."""
    total: IntArray
    """(B,) over all pairs."""
    kept: IntArray
    """(B,) over those that are shown before them."""
    cuts: tuple[Cut, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Nothing is left out: there is one number to a bar, not two."""
        return self.kept is self.total


@dataclass(frozen=True)
class Bar:
    """A bar that a user clicked."""

    panel: str
    """Its panel's title."""
    low: float
    high: float


_render = v2.component(
    "grice_histogram_row",
    html='<div class="row"></div>',
    css=joined(UI / "histogram.css"),
    js=joined(UI / "histogram.js", UI / "histogram_row.js"),
)


def histogram_row(
    panels: Sequence[Panel], log: bool, key: str, on_click: Callable[[Bar], None]
) -> None:
    """Show panels; `on_click` is called with a bar that is clicked, before the page runs again."""

    def clicked() -> None:
        bar = st.session_state[key].bar
        on_click(Bar(bar["panel"], round(bar["low"], 6), round(bar["high"], 6)))

    shown = {"panels": [panel_data(panel) for panel in panels], "log": log}
    _render(data=shown, key=key, on_bar_change=clicked)


def panel_data(panel: Panel) -> dict[str, Any]:
    """What the script draws: only the range where there are pairs or lines, so that nothing jumps."""
    first, last = _extent(panel)
    num_kept, num_all = int(panel.kept.sum()), int(panel.total.sum())
    return {
        "title": panel.title,
        "colour": panel.colour,
        "low": float(panel.edges[first]),
        "width": float(panel.edges[1] - panel.edges[0]),
        "total": panel.total[first:last].tolist(),
        "kept": panel.kept[first:last].tolist(),
        "cuts": [asdict(cut) for cut in panel.cuts],
        "is_whole": panel.is_whole,
        "summary": f"{num_all:,} pairs" if panel.is_whole else f"{num_kept:,} of {num_all:,} pairs",
    }


def _extent(panel: Panel) -> tuple[int, int]:
    """First and last + 1 bin to be shown."""
    bins = np.flatnonzero(panel.total)
    marks = np.searchsorted(panel.edges, [cut.value for cut in panel.cuts]) - 1
    found = np.concatenate([bins, marks])
    if not len(found):
        return 0, len(panel.total)
    return max(int(found.min()) - 2, 0), min(int(found.max()) + 3, len(panel.total))
