"""Prompts with answers whose models are hidden, to be judged by a person."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.app_pages.compare.blind import (
    LETTERS,
    BlindResult,
    blind_result,
    judgements_csv,
    next_prompt,
    num_replaced,
    shuffled,
)
from app.state.people import signed_in_as
from app.state.session import studio
from app.text.formatting import count_of, number
from app.ui.answers_row import ModelAnswer, answers_row
from app.ui.errors import failures_shown, guarded
from app.ui.number_table import Cell, number_table
from app.ui.theme import SEVERAL_COLOUR
from grice_core.evaluation.agreement import Agreement
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import votes
from grice_core.store.votes import Ballot, Said


@st.fragment
@guarded
def blind_ballot(run_id: int, models: Sequence[EvaluatedModel]) -> None:
    """One prompt after the other, then how far the person and the detector agree."""
    voter = signed_in_as()
    judged = votes.judged_prompts(studio().database, run_id, voter)
    # Of several answers to a prompt the first one is judged, so that each prompt counts once.
    firsts = [rows[0] for rows in models[0].rows_of_prompt.values()]
    index = next_prompt(run_id, voter, firsts, judged)
    st.caption(
        f"{len(judged):,} of {count_of(len(firsts), 'prompt')} judged. Models are shuffled for each "
        "prompt. Mark what each answer violates; one with no mark is cooperative."
    )
    if index is None:
        st.success("You have judged every prompt.")
    else:
        _ballot(Ballot(run_id, index, voter, {}), {model.name: model for model in models})
    result = blind_result(votes.judged_twice(studio().database, run_id, voter))
    if result is not None:
        _result(result, run_id)
    _keep(votes.said(studio().database, run_id, voter), run_id)


def _ballot(empty: Ballot, models: Mapping[str, EvaluatedModel]) -> None:
    index = empty.prompt_index
    order = shuffled(empty.run_id, empty.voter, index, list(models))
    key = f"blind {empty.run_id} {index}"
    answers = [
        ModelAnswer(letter, SEVERAL_COLOUR, models[name].responses[index], ())
        for letter, name in zip(LETTERS, order, strict=False)
    ]
    answers_row(models[order[0]].prompts[index], answers, key=key)
    with st.form(f"{key} ballot", border=False):
        columns = st.columns(len(order))
        marked = {
            name: _marks(columns[place], LETTERS[place], key) for place, name in enumerate(order)
        }
        sent = st.form_submit_button("Save and show next", type="primary")
    if sent:
        with failures_shown():
            votes.cast(studio().database, _filled(empty, marked))
            st.rerun(scope="fragment")


def _marks(column: DeltaGenerator, letter: str, key: str) -> list[Maxim]:
    """The maxims that a person says an answer violates."""
    column.markdown(f"**{letter}** violates")
    return [maxim for maxim in MAXIMS if column.checkbox(str(maxim), key=f"{key} {letter} {maxim}")]


def _filled(empty: Ballot, marked: Mapping[str, Sequence[Maxim]]) -> Ballot:
    violated = {name: frozenset(maxims) for name, maxims in marked.items()}
    return Ballot(empty.run_id, empty.prompt_index, empty.voter, violated)


def _result(result: BlindResult, run_id: int) -> None:
    st.markdown(f"**You and the detector, over {count_of(result.num_prompts, 'prompt')}**")
    rows = [_agreement_row(one) for one in result.agreements]
    number_table(("", "agree", "answers", "kappa"), rows, key=f"agreement {run_id}")
    st.caption(
        "Agreement: how often both say the same, with its 95 % interval, clustered by prompt. "
        "Kappa: 1 is perfect agreement, 0 is chance."
    )
    with st.expander("Reveal the models"):
        st.caption("Shows how each model did: reveal it after your last judgement.")
        number_table(
            ("cooperative", "answers", "you", "detector"),
            [
                [
                    Cell(one.model),
                    Cell(f"{one.num_answers:,}"),
                    Cell(percent(one.by_person / one.num_answers)),
                    Cell(percent(one.by_detector / one.num_answers)),
                ]
                for one in result.cooperative
            ],
            key=f"whose {run_id}",
        )


def _keep(said: Sequence[Said], run_id: int) -> None:
    """Everything that a person judged, to take along."""
    if not said:
        return
    if replaced := num_replaced(said):
        st.caption(
            f"{count_of(replaced, 'judged answer')} {'was' if replaced == 1 else 'were'} replaced by a new evaluation "
            "since; your judgements of them are kept, and in the file."
        )
    st.download_button(
        "Download your judgements (CSV)",
        partial(judgements_csv, said),
        f"judgements-{run_id}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Names the model of each answer.",
    )


def _agreement_row(found: Agreement) -> list[Cell]:
    kappa = "–" if found.kappa is None else number(found.kappa)
    return [
        Cell(found.measure),
        Cell(percent(found.rate), percent_interval(found.interval)),
        Cell(f"{found.num_agreed:,} of {found.num_answers:,}"),
        Cell(kappa),
    ]
