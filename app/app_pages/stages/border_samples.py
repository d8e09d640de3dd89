"""Pairs at the border of a stage: some just kept, some just dropped."""

import streamlit as st

from app.state.open_data import OpenData
from app.text.formatting import plain_markdown, signed, stage_title
from app.ui.pair_texts import pair_texts
from grice_core.data.border import find_border
from grice_core.data.pairs import IntArray
from grice_core.maxims import MAXIMS
from grice_core.recipes.plan import PlannedStage


def border_samples(stage: PlannedStage, data: OpenData) -> None:
    """A switch per stage; the pairs are looked for only while it is on."""
    name = stage.config.name
    if not st.toggle(f"Borderline pairs of {stage_title(name)}", key=_key(stage)):
        return
    border = find_border(stage.config.filter, data.margins, stage.filtered)
    left, right = st.columns(2)
    with left:
        _show_pairs("just kept", border.just_kept, stage, data)
    with right:
        _show_pairs("just dropped", border.just_dropped, stage, data)


def shows_border(stage: PlannedStage) -> bool:
    """Whether the pairs of this stage are looked at."""
    return bool(st.session_state.get(_key(stage), False))


def _key(stage: PlannedStage) -> str:
    return f"border {stage.config.name}"


def _show_pairs(title: str, indices: IntArray, stage: PlannedStage, data: OpenData) -> None:
    st.markdown(f"**{title}**")
    if not len(indices):
        st.caption("none")
    for index in indices.tolist():
        with st.container(border=True):
            reason = stage.filtered.reason[index]
            why = f" · {plain_markdown(stage.filtered.reasons[reason])}" if reason >= 0 else ""
            st.caption(f"row {data.table.rows[index]:,}{why} · {_margins(data, index)}")
            pair_texts(data.table.take([index]), key=f"border {stage.config.name} {index}")


def _margins(data: OpenData, index: int) -> str:
    return ", ".join(f"{maxim} {signed(data.margins[index, maxim.column])}" for maxim in MAXIMS)
