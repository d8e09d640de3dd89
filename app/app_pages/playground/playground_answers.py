"""The answers to a question of the playground, as they grow."""

import streamlit as st

from app.state.run_queue import run_queue
from app.text.formatting import plain_markdown
from app.ui.allowed import allowed
from app.ui.answers_row import ModelAnswer, Score, answers_row
from app.ui.errors import guarded
from app.ui.theme import BASELINE_COLOUR, MAXIM_COLOURS, stage_colour
from app.ui.waiting import waiting_for
from grice_core.maxims import MAXIMS
from worker.client import PlaygroundAnswer, PlaygroundRequest, PlaygroundView, Standing

_FINISHED = "playground finished"
_SENTENCES = {
    Standing.LOADING: "Loading the models; the first answer takes longest …",
    Standing.ANSWERING: "Answering …",
    Standing.STOPPED: "Stopped.",
    Standing.LOST: "The worker stopped responding; ask again.",
}


@guarded
def playground_answers(asked: str) -> None:
    """How far the request is, and what has been written so far."""
    view = run_queue().playground.read(asked)
    if view is None or not isinstance(view.request, PlaygroundRequest):
        return
    if view.standing.is_finished() and st.session_state.get(_FINISHED) != asked:
        st.session_state[_FINISHED] = asked
        st.rerun()  # the whole page, which then looks no more
    _say(view, view.request, asked)
    if view.answers:
        answers_row(
            view.request.prompt,
            [_shown(place, answer) for place, answer in enumerate(view.answers)],
            key=f"playground {asked}",
        )


def _say(view: PlaygroundView, request: PlaygroundRequest, asked: str) -> None:
    if view.standing is Standing.FAILED:
        st.error(f"No answer: {plain_markdown(view.remark)}", icon=":material/error:")
        return
    if view.standing is Standing.DONE:
        st.caption(f"Answered with {draws_in_words(request)}.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.standing is Standing.WAITING:
            st.caption(waiting_for(run_queue().workers(), view.remark))
        else:
            st.caption(_SENTENCES[view.standing])
        if not view.standing.is_finished() and st.button("Stop", key=f"stop {asked}", **allowed()):
            run_queue().playground.stop(asked)


def draws_in_words(asked: PlaygroundRequest) -> str:
    """How the answers were sampled."""
    shared = "the same seed for all" if asked.same_seed else "a seed per model"
    return f"temperature {asked.temperature:g}, top-p {asked.top_p:g}, seed {asked.seed}, {shared}"


def _shown(place: int, answer: PlaygroundAnswer) -> ModelAnswer:
    colour = stage_colour(place - 1) if place else BASELINE_COLOUR
    judged = zip(MAXIMS, answer.scores or (), answer.violated or (), strict=bool(answer.scores))
    scores = tuple(
        Score(str(maxim), MAXIM_COLOURS[maxim], score, violated)
        for maxim, score, violated in judged
    )
    return ModelAnswer(answer.model, colour, answer.text, scores)
