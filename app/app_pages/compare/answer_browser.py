"""Prompts with the answers of all models side by side, sorted by what changed."""

import math
from collections.abc import Sequence

import streamlit as st

from app.text.formatting import count_of, stage_title
from app.ui.answers_row import ModelAnswer, Score, answers_row
from app.ui.errors import guarded
from app.ui.theme import MAXIM_COLOURS
from app.url import params
from app.url.widget_keys import is_current, widget_key
from app.url.widgets import PAGE, linked, linked_page, linked_radio, page_chooser
from grice_core.evaluation.prompt_groups import PromptGroup, prompt_groups
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel
from grice_core.maxims import MAXIMS

PER_PAGE = 10
_PAGE_OF = "answers page of"


@st.fragment
@guarded
def answer_browser(models: Sequence[EvaluatedModel], colours: Sequence[str], key: str) -> None:
    """The browser; what it shows stands in the link."""
    measures = (COOPERATIVE, *(measure for measure in MEASURES if measure != COOPERATIVE))
    measure = linked_radio("Filter by", "by", measures, str)
    group = _choose_group(prompt_groups(models, measure), measure)
    num_pages = max(1, math.ceil(len(group.rows) / PER_PAGE))
    if not len(group.rows):
        st.caption("No prompt.")
        return
    page = _page_of(f"{key} {measure} {group.title}", num_pages)
    if num_pages > 1:
        page_chooser(num_pages, page)
    rows = group.rows[PER_PAGE * (page - 1) : PER_PAGE * page].tolist()
    for row in rows:
        answers = [
            model_answer(model, colour, row) for model, colour in zip(models, colours, strict=True)
        ]
        answers_row(models[0].prompts[row], answers, key=f"{key} answer {row}")
    st.caption(
        f"{count_of(len(group.rows), 'prompt')}, the largest change first. Bars are violation "
        "probabilities, ✗ marks a violation, ✓ an answer without one."
    )


def model_answer(model: EvaluatedModel, colour: str, row: int) -> ModelAnswer:
    """One answer with its scores, as it is shown."""
    scores = tuple(
        Score(
            str(maxim),
            MAXIM_COLOURS[maxim],
            float(model.scores[row, maxim.column]),
            bool(model.violated[row, maxim.column]),
        )
        for maxim in MAXIMS
    )
    return ModelAnswer(stage_title(model.name), colour, model.responses[row], scores)


def _choose_group(groups: Sequence[PromptGroup], measure: str) -> PromptGroup:
    by_title = {group.title: group for group in groups}
    fullest = next((group.title for group in groups if len(group.rows)), groups[-1].title)
    shown = linked("show", list(by_title), fullest)
    # By another measure, another group may be the fullest: with a chooser of its own, anyone who has
    # clicked this one before that was drawn has clicked all the same.
    key = widget_key(f"answers shown by {measure}", shown)

    def keep() -> None:
        if is_current(key):
            params.put("show", st.session_state[key])

    chosen = st.segmented_control(
        "Answers",
        list(by_title),
        key=key,
        default=shown,
        format_func=lambda title: _label(by_title[title]),
        required=True,
        on_change=keep,
    )
    return by_title[str(chosen)]


def _label(group: PromptGroup) -> str:
    """`fixed by Stage 1 (12)`."""
    return f"{group.what} {stage_title(group.stage)}".rstrip() + f" ({len(group.rows):,})"


def _page_of(of: str, num_pages: int) -> int:
    """The page that the link names; the first one of something else than was shown before."""
    if st.session_state.setdefault(_PAGE_OF, of) != of:
        st.session_state[_PAGE_OF] = of
        params.drop(PAGE)
    return linked_page(num_pages)
