"""Trying a detector by hand: a context and two responses in, eight scores out."""

import streamlit as st

from app.state.detector_command import judge
from app.state.session import studio
from app.ui.errors import show_error
from app.ui.pair_view import scores_figure, scores_in_words
from grice_core.errors import GriceError
from grice_core.store.tables import Detector


def detector_trial(detector: Detector) -> None:
    """A form and what came out of it."""
    with st.form("trial"):
        context = st.text_area("Context", value="Have you been to the Golden Gate Bridge?")
        left, right = st.columns(2)
        first = left.text_area("A response", value="Yes, last spring. It was foggy, but lovely.")
        second = right.text_area("Another response", value="Bridges. By the way, I like fish.")
        asked = st.form_submit_button("Judge both", icon=":material/gavel:")
    if not asked:
        return
    if not (context.strip() and first.strip() and second.strip()):
        st.warning("Fill in the context and both responses.")
        return
    try:
        with st.spinner("Loading the detector, judging …"):
            pair = judge(studio(), detector, (context, first, second))
    except GriceError as error:
        show_error(error)
        return
    st.plotly_chart(
        scores_figure(pair),
        key="trial_scores",
        config={"displayModeBar": False},
        alt=f"Scores: {scores_in_words(pair)}",
    )
    st.caption("Violation probabilities: coloured the first response, grey the other one.")
