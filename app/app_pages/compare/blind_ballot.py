"""Prompts with answers whose models are hidden, to be judged by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.app_pages.compare.blind import (
    LETTERS,
    SECOND_OPINION_EVERY,
    BlindResult,
    Offer,
    blind_result,
    judgements_csv,
    next_offer,
    num_replaced,
    persons_agree,
    shuffled,
)
from app.app_pages.compare.judging import deciding, judged_by_persons, plan_of
from app.state.people import signed_in_as
from app.state.session import studio
from app.text.formatting import count_of, number, plain_markdown
from app.ui.allowed import allowed
from app.ui.answers_row import ModelAnswer, answers_row
from app.ui.errors import failures_shown, guarded
from app.ui.number_table import Cell, number_table
from app.ui.theme import SEVERAL_COLOUR
from app.url.widgets import linked_segments
from grice_core.evaluation.agreement import Agreement
from grice_core.evaluation.gold import GoldLabels
from grice_core.evaluation.judging_plan import JudgingPlan
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.persons import LEAST_SHARED
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import votes
from grice_core.store.votes import Ballot, Said

_DECIDE, _ALL = "Baseline and last stage", "All models"
_WHY = "Two answers decide the verdict; all models' also correct the rates of the stages between."


@st.fragment
@guarded
def blind_ballot(run_id: int, stored: StoredEvaluation) -> None:
    """One prompt after the other until the verdict is decided, then how far the judges agree."""
    models, voter = stored.models, signed_in_as()
    shown = _choose_models(models)
    names = [model.name for model in shown]
    mine = votes.judged_prompts(studio().database, run_id, voter, names)
    judged = judged_by_persons(run_id, models)
    plan = plan_of(judged, models, stored.config)
    st.caption(
        f"{len(mine):,} of {count_of(plan.num_prompts, 'prompt')} judged. Models are shuffled for each "
        "prompt. Mark what each answer violates; one with no mark is cooperative."
    )
    if _goes_on(plan, run_id):
        offer = _offer(run_id, shown, mine, plan)
        if offer is None:
            st.success("You have judged every prompt.")
        else:
            empty = Ballot(run_id, offer.prompt_index, voter, {}, offer.relative_chance)
            _ballot(empty, {model.name: model for model in shown})
    result = blind_result(votes.judged_twice(studio().database, run_id, voter, names))
    if result is not None:
        _result(result, run_id)
    _persons(*persons_agree(judged.answers, deciding(models)), run_id)
    _keep(votes.said(studio().database, run_id, voter), run_id, judged.labels)


def _choose_models(models: Sequence[EvaluatedModel]) -> Sequence[EvaluatedModel]:
    """The baseline and the last model, or all."""
    if len(models) == 2:
        return models
    choice = linked_segments("Answers to judge", "judge", (_DECIDE, _ALL))
    st.caption(_WHY)
    return models if choice == _ALL else (models[0], models[-1])


def _goes_on(plan: JudgingPlan, run_id: int) -> bool:
    """Says where judging stands; whether to judge more, which takes a click once the verdict is decided."""
    if not plan.is_decided:
        st.info(plain_markdown(plan.sentence()), icon=":material/how_to_vote:")
        return True
    st.success(plain_markdown(plan.sentence()))
    return st.toggle("Judge more prompts", key=f"blind on {run_id}")


def _offer(
    run_id: int, shown: Sequence[EvaluatedModel], mine: set[int], plan: JudgingPlan
) -> Offer | None:
    """The prompt that is being judged stays until it is saved, whatever others judge meanwhile."""
    key = f"blind offer {run_id} {len(shown)}"
    held: Offer | None = st.session_state.get(key)
    if held is not None and held.prompt_index not in mine:
        return held
    # Of several answers to a prompt the first one is judged, so that each prompt counts once.
    firsts = [rows[0] for rows in shown[0].rows_of_prompt.values()]
    offer = next_offer(run_id, signed_in_as(), firsts, mine, plan.chances)
    st.session_state[key] = offer
    return offer


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
        sent = st.form_submit_button("Save and show next", type="primary", **allowed())
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
    return replace(empty, violated=violated)


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


def _persons(num_prompts: int, found: Sequence[Agreement], run_id: int) -> None:
    """How far persons agree with each other, once two have judged the same answers."""
    if not num_prompts:
        return
    st.markdown(
        f"**Persons with each other, over {count_of(num_prompts, 'prompt')} judged by two of them**"
    )
    rows = [_agreement_row(one) for one in found]
    number_table(("", "agree", "answers", "kappa"), rows, key=f"persons {run_id}")
    st.caption(
        f"One ballot in {SECOND_OPINION_EVERY} is a prompt that someone else has judged. How persons differ "
        f"widens the corrected intervals, from {LEAST_SHARED} such prompts on."
    )


def _keep(said: Sequence[Said], run_id: int, labels: GoldLabels) -> None:
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
        partial(judgements_csv, said, signed_in_as(), labels),
        f"judgements-{run_id}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Names the model of each answer. For `grice compare --gold`, with --at-every-look if you stopped "
        "when it was decided.",
    )


def _agreement_row(found: Agreement) -> list[Cell]:
    kappa = "–" if found.kappa is None else number(found.kappa)
    return [
        Cell(found.measure),
        Cell(percent(found.rate), percent_interval(found.interval)),
        Cell(f"{found.num_agreed:,} of {found.num_answers:,}"),
        Cell(kappa),
    ]
