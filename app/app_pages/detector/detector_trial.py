"""Trying a detector by hand: a context and two responses in, eight scores out."""

import numpy as np
import pyarrow as pa
import streamlit as st

from app.state.run_queue import run_queue
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import failures_shown, guarded
from app.ui.pair_view import scores_figure, scores_in_words
from app.ui.waiting import waiting_for
from grice_core.data.pairs import PairTable
from grice_core.store.tables import Detector
from worker.client import DetectorTrial, PlaygroundAnswer, Standing

_ASKED, _SEEN = "detector trial", "detector trial finished"
"""In the session: the request, and the latest one that was seen to be finished."""
_LOOK_EVERY_S = 0.3


def detector_trial(detector: Detector) -> None:
    """A form and what came out of it."""
    with st.form("trial"):
        context = st.text_area("Context", value="Have you been to the Golden Gate Bridge?")
        left, right = st.columns(2)
        first = left.text_area("A response", value="Yes, last spring. It was foggy, but lovely.")
        second = right.text_area("Another response", value="Bridges. By the way, I like fish.")
        asked = st.form_submit_button("Judge both", icon=":material/gavel:", **allowed())
    if asked and not (context.strip() and first.strip() and second.strip()):
        st.warning("Fill in the context and both responses.")
        return
    if asked:
        trial = DetectorTrial(
            detector_sha256=detector.artifact_sha256, prompt=context, responses=(first, second)
        )
        with failures_shown():
            st.session_state[_ASKED] = run_queue().playground.ask(trial)
    if (waiting := st.session_state.get(_ASKED)) is not None:
        is_finished = st.session_state.get(_SEEN) == waiting
        st.fragment(_verdict, run_every=None if is_finished else _LOOK_EVERY_S)(
            waiting, detector.artifact_sha256
        )


@guarded
def _verdict(asked: str, detector_sha256: str) -> None:
    """What the detector makes of both responses, or how far that is."""
    view = run_queue().playground.read(asked)
    if view is None or not isinstance(view.request, DetectorTrial):
        return
    if view.request.detector_sha256 != detector_sha256:
        return  # another detector has been chosen since
    if view.standing.is_finished() and st.session_state.get(_SEEN) != asked:
        st.session_state[_SEEN] = asked
        st.rerun()  # the whole page, which then looks no more
    if view.standing is Standing.DONE:
        _show(_as_pair(view.request.prompt, view.answers))
    elif view.standing is Standing.FAILED:
        st.error(f"Not judged: {plain_markdown(view.remark)}", icon=":material/error:")
    elif view.standing is Standing.LOST:
        st.error("The worker stopped responding; ask again.", icon=":material/error:")
    elif view.standing is Standing.WAITING:
        st.caption(waiting_for(run_queue().workers(), view.remark))
    else:
        st.caption("Loading the detector, judging …")


def _as_pair(prompt: str, answers: tuple[PlaygroundAnswer, ...]) -> PairTable:
    """Both responses as a pair, whose scores can be shown."""
    first, second = answers
    texts = {"prompt": [prompt], "chosen": [first.text], "rejected": [second.text]}
    return PairTable(
        texts=pa.table(texts),
        chosen_scores=np.array([first.scores]),
        rejected_scores=np.array([second.scores]),
        rows=np.array([1]),
        extras=pa.table({}),
    )


def _show(pair: PairTable) -> None:
    st.plotly_chart(
        scores_figure(pair),
        key="trial_scores",
        config={"displayModeBar": False},
        alt=f"Scores: {scores_in_words(pair)}",
    )
    st.caption("Violation probabilities: coloured the first response, grey the other one.")
