"""A slider and a number field for one threshold, which move together."""

from collections.abc import Callable

import streamlit as st

from app.text.formatting import plain_markdown
from app.url.widget_keys import is_current, widget_key
from grice_core.recipes.thresholds import Threshold

STEP = 0.01


def threshold_control(threshold: Threshold, on_move: Callable[[str, float], None]) -> None:
    """Show a threshold; `on_move` is called with its name and the value it was moved to."""
    low, high = threshold.range
    slider = widget_key(f"slider {threshold.name}", threshold.above)
    field = widget_key(f"field {threshold.name}", threshold.above)

    def moved(key: str) -> None:
        if is_current(key):
            on_move(threshold.name, round(st.session_state[key], 6))

    left, right = st.columns([3, 1], vertical_alignment="bottom", wrap=False)
    label = f"{threshold.statistic} >"
    left.slider(
        label,  # as it is: a reader of the screen says its Markdown, too
        min_value=low,
        max_value=high,
        value=threshold.above,
        step=STEP,
        key=slider,
        on_change=moved,
        args=(slider,),
        help=f"Pairs that fail are dropped as “{plain_markdown(threshold.rule.name)}”.",
    )
    right.number_input(
        label,
        min_value=low,
        max_value=high,
        value=threshold.above,
        step=STEP,
        format="%.2f",
        key=field,
        on_change=moved,
        args=(field,),
        label_visibility="collapsed",
    )
