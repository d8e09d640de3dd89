"""Overview: where am I, and what is the next sensible step?"""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app.app_pages.overview.failed_work import failed_work
from app.state import demo
from app.state.pending_uploads import pending_uploads
from app.state.session import known_data_sets, studio
from app.text.formatting import count_of, plain_markdown
from app.ui.allowed import allowed
from app.ui.page import Page
from app.ui.running_work import running_work
from app.url.navigation import go_to, link_to
from grice_core.demo.project import NUM_PAIRS
from grice_core.registry import holds_prompts_alone
from grice_core.store import detectors, pipelines
from grice_core.store.tables import DataSet

_NAME_PX, _COUNT_PX = 260, 120
"""Columns that stand below each other, and beside each other on a narrow screen, too."""


def show() -> None:
    """The page."""
    st.title("Overview")
    known = known_data_sets()
    if not known:
        _undecided()
        _welcome()
        return
    running_work()
    failed_work()
    _undecided()
    _verdict()
    _next_step(known)
    _data_sets(known)
    if demo.PAIRS not in {data_set.name for data_set in known}:
        st.subheader("See it at work", anchor=False)
        _offer_demo("secondary")


def _welcome() -> None:
    """What this is, and the two things to do."""
    st.markdown(
        "Grice Studio tunes a language model to be a cooperative speaker, one Gricean maxim at a "
        "time: **quantity** (enough, not too much), **quality** (true), **relation** (to the "
        "point), **manner** (clear). You bring pairs of responses, of which one is better; it "
        "shows what each training stage would learn from them, trains, and measures honestly."
    )
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        st.subheader("See it at work", anchor=False)
        _offer_demo("primary")
    with right, st.container(border=True, height="stretch"):
        st.subheader("Use your own data", anchor=False)
        st.markdown("JSON, JSON Lines, CSV or Parquet with prompt, chosen and rejected.")
        if st.button("Upload your own pairs", icon=":material/upload:"):
            go_to("data")


def _offer_demo(weight: Literal["primary", "secondary"]) -> None:
    st.markdown(f"{NUM_PAIRS:,} synthetic pairs about invented things. Nothing to download.")
    if st.button(
        "Look at the demo's stages", type=weight, icon=":material/play_circle:", **allowed()
    ):
        with st.spinner("Drawing the demo's pairs, and letting its detector score them …"):
            data_set_id = demo.open_demo(studio())
        go_to("stages", data=str(data_set_id), recipe="demo")


def _undecided() -> None:
    """Uploads that wait for their user."""
    waiting = pending_uploads()
    if waiting:
        names = ", ".join(each.name for each in waiting)
        st.markdown(f":orange[**!**] Some rows of {plain_markdown(names)} can't be used: decide.")
        link_to("data", "Use the rest of it, or discard it", ":material/upload:")


def _verdict() -> None:
    result = pipelines.latest_result(studio().database) or {}
    verdict = result.get("verdict")
    if not isinstance(verdict, dict) or "sentence" not in verdict:
        return
    with st.container(border=True):
        st.subheader("Latest verdict", anchor=False)
        st.text(verdict["sentence"])
        link_to("compare", "Compare baseline and stages", ":material/balance:")


def _next_step(known: Sequence[DataSet]) -> None:
    """The one thing that brings this project on."""
    scored = next((data_set for data_set in known if data_set.num_scored), None)
    st.subheader("Next step", anchor=False)
    if scored is not None:
        label = f"Cut the stages of {plain_markdown(scored.name)}"
        link_to("stages", label, ":material/content_cut:", data=str(scored.id))
    elif detectors.page(studio().database, limit=1):
        label = "Score your pairs with a detector"
        link_to("detector", label, ":material/gavel:", detector_view="Score")
    else:
        link_to("detector", "Import a detector, then score your pairs", ":material/gavel:")


def _data_sets(known: Sequence[DataSet]) -> None:
    st.subheader("Data sets", anchor=False)
    for data_set in known:
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width=_NAME_PX):
                label = plain_markdown(data_set.name)
                link_to("data", label, ":material/table_rows:", data=str(data_set.id))
            noun = "prompt" if holds_prompts_alone(data_set) else "pair"
            st.caption(count_of(data_set.num_usable, noun), width=_COUNT_PX, text_alignment="right")
            _state(data_set)


def _state(data_set: DataSet) -> None:
    num_bad = data_set.num_rows - data_set.num_usable
    if holds_prompts_alone(data_set):
        st.badge("to evaluate on", icon=":material/quiz:", color="gray")
    elif data_set.num_scored == data_set.num_usable:
        st.badge("scored", icon=":material/check:", color="green")
    else:
        st.badge(f"{data_set.num_usable - data_set.num_scored:,} unscored", color="orange")
    if num_bad:
        st.badge(f"{count_of(num_bad, 'row')} unusable", icon=":material/warning:", color="red")


PAGE = Page("Overview", ":material/home:", 1, show)
