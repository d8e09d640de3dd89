"""What a model answered to a few held-out prompts while it trained, step by step."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.app_pages.runs.kept_step import kept_step_of
from app.state.session import studio
from app.ui.answers_row import ModelAnswer, answers_row
from app.ui.theme import BASELINE_COLOUR, stage_colour
from app.url import params
from app.url.widget_keys import is_current, key_among
from app.url.widgets import linked
from grice_core.progress import SampledAnswer
from grice_core.store import sampled_answers
from grice_core.store.tables import Run

_AT = "answers_at"
"""In links: the step whose answers are shown between the first and the last."""
_READING = (
    "Prompts that are neither trained on nor evaluated, asked with the same noise each time, so what changes is the "
    "model. A few answers are no measure: the evaluation is."
)


def answers_view(run: Run) -> None:
    """Show them, if there are any."""
    steps = sampled_answers.steps_of(studio().database, run.id)
    if not steps:
        return
    st.markdown("**Answers while training**")
    at = _choose_step(run, steps)
    shown = sorted({steps[0], at, steps[-1]})
    titles = {step: _title(step, kept_step_of(run)) for step in shown}
    answers = sampled_answers.of_run(studio().database, run.id, shown)
    for place in sorted({answer.place for answer in answers}):
        own = [answer for answer in answers if answer.place == place]
        cards = [_card(answer, titles, steps) for answer in own]
        answers_row(own[0].prompt, cards, key=f"answers {run.id} {place}")
    st.caption(_READING)


def _choose_step(run: Run, steps: Sequence[int]) -> int:
    """Which step's answers stand between the first and the last; the last, until someone chooses."""
    options = [str(step) for step in steps]
    at = linked(_AT, options, options[-1])
    if len(options) == 1:
        return int(at)
    key = key_among(f"answers of run {run.id}", dict.fromkeys(options, ""), at)

    def keep() -> None:
        if is_current(key):
            params.put(_AT, st.session_state[key])

    chosen = st.select_slider("After step", options, at, key=key, on_change=keep)
    return int(chosen)


def _title(step: int, kept: int | None) -> str:
    if step == 0:
        return "before training"
    return f"after step {step:,}{' (kept)' if step == kept else ''}"


def _card(answer: SampledAnswer, titles: Mapping[int, str], steps: Sequence[int]) -> ModelAnswer:
    cut = " · cut at the token limit" if answer.is_cut else ""
    colour = BASELINE_COLOUR if answer.step == 0 else stage_colour(int(answer.step == steps[-1]))
    return ModelAnswer(f"{titles[answer.step]}{cut}", colour, answer.answer, ())
