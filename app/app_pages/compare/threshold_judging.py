"""From which score on an answer counts as a violation: the verdict follows as one moves it."""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.compare.comparing import Thresholds
from app.url import params
from app.url.widget_keys import is_current, widget_key
from grice_core.maxims import MAXIMS

_IN_LINK = "at"


def threshold_judging(usual: Thresholds) -> Thresholds:
    """Four sliders, whose places stand in the link; begins with the detector's own thresholds."""
    chosen = _linked(usual)
    is_moved = chosen != usual
    title = "Change thresholds" + (" (moved)" if is_moved else "")
    with st.expander(title, icon=":material/tune:", expanded=is_moved):
        st.caption(
            "An answer violates a maxim if its score is above the maxim's threshold. Stored scores are compared "
            "with the new thresholds at once; nothing stored changes."
        )
        columns = st.columns(len(MAXIMS))
        for place, maxim in enumerate(MAXIMS):
            with columns[place]:
                _slider(place, str(maxim), chosen[place], usual)
        if is_moved and st.button("Reset to the detector's", icon=":material/undo:"):
            params.drop(_IN_LINK)
            st.rerun()
    return chosen


def _slider(place: int, maxim: str, value: float, usual: Thresholds) -> None:
    key = widget_key(f"threshold {maxim}", value)

    def moved() -> None:
        if is_current(key):
            values = list(_linked(usual))
            values[place] = round(st.session_state[key], 2)
            _keep(values, usual)

    st.slider(
        f"{maxim} >",
        0.0,
        1.0,
        value,
        key=key,
        step=0.01,
        on_change=moved,
        help=f"The detector's own threshold is {usual[place]:.2f}.",
    )


def _keep(values: Sequence[float], usual: Thresholds) -> None:
    is_usual = tuple(values) == usual
    params.put(_IN_LINK, "" if is_usual else ",".join(f"{value:g}" for value in values))


def _linked(usual: Thresholds) -> Thresholds:
    """What the link says, if it makes sense."""
    try:
        values = tuple(float(part) for part in params.get(_IN_LINK).split(","))
    except ValueError:
        return usual
    sensible = len(values) == len(usual) and all(0 <= value <= 1 for value in values)
    return values if sensible else usual
