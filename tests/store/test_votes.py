"""Judgements of persons, kept beside the detector's."""

from pathlib import Path

import pytest

from grice_core.errors import NotFoundError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import runs, votes
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.votes import Ballot
from tests.store.samples import finished_pipeline

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

    found = votes.judged_twice(database, evaluation, voter="")

    assert len(found) == len(MODELS) * len(MAXIMS)
    manner = [(one.model, one.by_person, one.by_detector) for one in found if one.maxim == "manner"]
    # The detector says 0.2, 0.3 and 0.95.
    assert manner == [("baseline", True, False), ("stage1", False, False), ("stage2", True, True)]


def test_who_changes_their_mind_has_one_judgement(database: Database, evaluation: int) -> None:
    votes.cast(database, ballot(evaluation, 0, {Maxim.MANNER}, set(), set()))
    votes.cast(database, ballot(evaluation, 0, set(), {Maxim.QUALITY}, set()))

    found = votes.judged_twice(database, evaluation, voter="")

    assert [(one.model, one.maxim) for one in found if one.by_person] == [("stage1", "quality")]


def test_persons_judge_for_themselves(database: Database, evaluation: int) -> None:
    votes.cast(database, ballot(evaluation, 0, set(), set(), set(), voter="ann@example.org"))
    votes.cast(database, ballot(evaluation, 2, set(), set(), set(), voter="bob@example.org"))

    assert votes.judged_prompts(database, evaluation, "ann@example.org") == {0}
    assert votes.judged_prompts(database, evaluation, "bob@example.org") == {2}
    assert votes.judged_prompts(database, evaluation, "") == set()


def test_answers_that_are_gone_can_not_be_judged(database: Database, evaluation: int) -> None:
    with pytest.raises(NotFoundError, match="reload"):
        votes.cast(database, ballot(evaluation, 99, set(), set(), set()))
