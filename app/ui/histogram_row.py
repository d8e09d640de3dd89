"""Histograms side by side, of which a bar leads to the pairs behind it.

A component of our own: Streamlit mounts a Plotly chart anew whenever its data change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components import v2

from app.ui.scripts import UI, joined
from grice_core.data.pairs import IntArray


@dataclass(frozen=True, eq=False)
class Panel:
    """One histogram."""

    title: str
    colour: str
    low: float
    """Where its first bar begins."""
    width: float
    """Of a bar, which holds its right edge."""
    counts: IntArray
    """(B,)"""


@dataclass(frozen=True)
class Bar:
    """A bar that a user clicked: what is above `low` and at most `high`."""

    panel: str
    """Its panel's title."""
    low: float
    high: float

    @classmethod
    def of(cls, clicked: Mapping[str, Any]) -> "Bar":
        """What a script tells of a bar; its ends are exact to six digits."""
        return cls(clicked["panel"], round(clicked["low"], 6), round(clicked["high"], 6))


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
        on_click(Bar.of(st.session_state[key].bar))

    shown = {"panels": [panel_data(panel) for panel in panels], "log": log}
    _render(data=shown, key=key, on_bar_change=clicked)


def panel_data(panel: Panel) -> dict[str, Any]:
    """What the script draws: only the range where there are pairs, and a little around it."""
    found = np.flatnonzero(panel.counts)
    first = max(int(found[0]) - 2, 0) if len(found) else 0
    last = int(found[-1]) + 3 if len(found) else len(panel.counts)
    return {
        "title": panel.title,
        "colour": panel.colour,
        "low": panel.low + first * panel.width,
        "width": panel.width,
        "total": panel.counts[first:last].tolist(),
        "summary": f"{int(panel.counts.sum()):,} pairs",
    }
