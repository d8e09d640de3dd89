"""Judgements of persons, kept beside the detector's."""

from pathlib import Path

import pytest

from grice_core.errors import NotFoundError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import generations, runs, transitions, votes
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.votes import Ballot, JudgedPrompt, Said
from tests.store.samples import ANSWERS, answer, claim_of, finished_pipeline

MODELS = ("baseline", "stage1", "stage2")


@pytest.fixture
def evaluation(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> int:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    return runs.of_pipeline(database, pipeline_id)[-1].id


def ballot(run_id: int, prompt_index: int, *violations: set[Maxim], voter: str = "") -> Ballot:
    found = {model: frozenset(of) for model, of in zip(MODELS, violations, strict=True)}
    return Ballot(run_id, prompt_index, voter, found)


def test_a_judgement_stands_beside_the_detectors(database: Database, evaluation: int) -> None:
    votes.cast(database, ballot(evaluation, 1, {Maxim.MANNER}, set(), {Maxim.MANNER}))

    found = votes.judged_twice(database, evaluation, "", MODELS)

    assert len(found) == len(MODELS) * len(MAXIMS)
    manner = [(one.model, one.by_person, one.by_detector) for one in found if one.maxim == "manner"]
    # The detector says 0.2, 0.3 and 0.95.
    assert manner == [("baseline", True, False), ("stage1", False, False), ("stage2", True, True)]


def test_who_changes_their_mind_has_one_judgement(database: Database, evaluation: int) -> None:
    votes.cast(database, ballot(evaluation, 0, {Maxim.MANNER}, set(), set()))
    votes.cast(database, ballot(evaluation, 0, set(), {Maxim.QUALITY}, set()))

    found = votes.judged_twice(database, evaluation, "", MODELS)

    assert [(one.model, one.maxim) for one in found if one.by_person] == [("stage1", "quality")]


def test_persons_judge_for_themselves(database: Database, evaluation: int) -> None:
    votes.cast(database, ballot(evaluation, 0, set(), set(), set(), voter="ann@example.org"))
    votes.cast(database, ballot(evaluation, 2, set(), set(), set(), voter="bob@example.org"))

    assert votes.judged_prompts(database, evaluation, "ann@example.org", MODELS) == {0}
    assert votes.judged_prompts(database, evaluation, "bob@example.org", MODELS) == {2}
    assert votes.judged_prompts(database, evaluation, "", MODELS) == set()


def test_all_persons_judgements_are_labels_of_the_answers(
    database: Database, evaluation: int
) -> None:
    votes.cast(database, ballot(evaluation, 0, {Maxim.MANNER}, set(), set(), voter="ann"))
    votes.cast(database, ballot(evaluation, 0, set(), set(), {Maxim.QUALITY}, voter="bob"))

    found = votes.judged_answers(database, evaluation)

    assert len(found) == 2 * len(MODELS)
    assert {one.prompt for one in found} == {found[0].prompt}
    assert [sorted(one.violated) for one in found] == [["manner"], [], [], [], [], ["quality"]]


def test_a_prompt_counts_as_judged_for_the_models_whose_answers_were(
    database: Database, evaluation: int
) -> None:
    pair = ("baseline", "stage2")
    found = dict.fromkeys(pair, frozenset({Maxim.MANNER}))
    votes.cast(database, Ballot(evaluation, 1, "", found))
    assert votes.judged_prompts(database, evaluation, "", pair) == {1}
    assert votes.judged_prompts(database, evaluation, "", MODELS) == set()
    assert {one.model for one in votes.judged_twice(database, evaluation, "", pair)} == set(pair)


def test_prompts_come_in_the_order_of_their_first_judgement_with_its_chance(
    database: Database, evaluation: int
) -> None:
    def cast(prompt_index: int, voter: str, relative_chance: float | None) -> None:
        found = dict.fromkeys(MODELS, frozenset[Maxim]())
        votes.cast(database, Ballot(evaluation, prompt_index, voter, found, relative_chance))

    cast(2, "ann", 1.5)
    cast(0, "bob", None)  # as judgements were before chances were kept
    cast(1, "bob", 0.25)
    cast(2, "bob", None)  # a second opinion
    cast(0, "ann", 3.0)

    assert votes.picked(database, evaluation, MODELS) == [
        JudgedPrompt(2, 1.5),
        JudgedPrompt(0, 1.0),
        JudgedPrompt(1, 0.25),
    ]


def test_answers_that_are_gone_can_not_be_judged(database: Database, evaluation: int) -> None:
    with pytest.raises(NotFoundError, match="reload"):
        votes.cast(database, ballot(evaluation, 99, set(), set(), set()))


def evaluate_again(database: Database, run_id: int, **scores: list[float]) -> None:
    """The same evaluation once more; of some models with other answers."""
    transitions.rerun(database, run_id)
    claim = claim_of(database, run_id)
    for model, usual in ANSWERS.items():
        answers = [answer(place, score) for place, score in enumerate(scores.get(model, usual))]
        generations.replace(database, claim, model, answers)
    transitions.finish(database, claim, {})


def test_a_new_evaluation_with_the_same_answers_keeps_every_judgement(
    database: Database, evaluation: int
) -> None:
    votes.cast(database, ballot(evaluation, 1, {Maxim.MANNER}, set(), {Maxim.QUALITY}))
    before = votes.judged_twice(database, evaluation, "", MODELS)
    evaluate_again(database, evaluation)
    assert votes.judged_twice(database, evaluation, "", MODELS) == before
    assert len(before) == len(MODELS) * len(MAXIMS)


def test_judgements_of_answers_that_were_replaced_are_kept_and_come_back_with_them(
    database: Database, evaluation: int
) -> None:
    votes.cast(database, ballot(evaluation, 1, {Maxim.MANNER}, set(), {Maxim.QUALITY}))
    votes.cast(database, ballot(evaluation, 2, set(), set(), set()))
    before = votes.judged_twice(database, evaluation, "", MODELS)

    evaluate_again(database, evaluation, stage2=[0.2, 0.4, 0.6])

    # The prompt that stage 2 answers otherwise now is to be judged again; the other one is not.
    assert votes.judged_prompts(database, evaluation, "", MODELS) == {2}
    assert {one.prompt_index for one in votes.judged_twice(database, evaluation, "", MODELS)} == {2}
    said = votes.said(database, evaluation, "")
    assert len(said) == 2 * len(MODELS) * len(MAXIMS)
    replaced = Said("prompt 1", "an answer of 0.95", "stage2", Maxim.QUALITY, True, None)
    assert [one for one in said if one.by_detector is None and one.by_person] == [replaced]

    evaluate_again(database, evaluation)
    assert votes.judged_twice(database, evaluation, "", MODELS) == before
    assert all(one.by_detector is not None for one in votes.said(database, evaluation, ""))
