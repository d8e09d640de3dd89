"""Questions that SQL answers about answers."""

from pathlib import Path

import pytest

from grice_core.errors import StaleOwnerError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import generations, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.generations import Change, ChangedAnswer, Comparison
from tests.store.samples import (
    answer,
    claim_of,
    finished_pipeline,
    judged_twice,
    submitted_pipeline,
)


@pytest.fixture
def evaluation(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> int:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    return runs.of_pipeline(database, pipeline_id)[-1].id


def test_which_prompts_does_stage_2_break_on_manner(database: Database, evaluation: int) -> None:
    comparison = Comparison(evaluation, Maxim.MANNER, "stage1", "stage2")
    assert generations.changes(database, comparison, Change.BROKEN) == [
        ChangedAnswer(1, "prompt 1", "an answer of 0.3", "an answer of 0.95", 0.3, 0.95)
    ]


def test_which_prompts_does_stage_1_fix_on_manner(database: Database, evaluation: int) -> None:
    comparison = Comparison(evaluation, Maxim.MANNER, "baseline", "stage1")
    fixed = generations.changes(database, comparison, Change.FIXED)
    assert [change.prompt_index for change in fixed] == [0]


def test_the_largest_change_comes_first(database: Database, evaluation: int) -> None:
    comparison = Comparison(evaluation, Maxim.MANNER, "baseline", "stage2")
    changed = generations.changes(database, comparison)
    assert [change.prompt_index for change in changed] == [1, 0, 2]  # 0.75, 0.7, 0.2


def test_rates_count_violations_per_model_and_maxim(database: Database, evaluation: int) -> None:
    rates = generations.violation_rates(database, evaluation)
    assert {model: rate[Maxim.MANNER] for model, rate in rates.items()} == {
        "baseline": pytest.approx(2 / 3),
        "stage1": pytest.approx(1 / 3),
        "stage2": pytest.approx(2 / 3),
    }
    assert rates["baseline"][Maxim.QUALITY] == 0


def test_all_answers_to_a_prompt_can_be_read_side_by_side(
    database: Database, evaluation: int
) -> None:
    found = generations.answers(database, evaluation, 1)
    assert list(found) == ["baseline", "stage1", "stage2"]
    assert found["stage2"] == answer(1, 0.95)
    assert set(found["stage2"].judgements) == set(MAXIMS)


def test_a_second_judges_word_stands_beside_the_first_ones(
    database: Database, artifacts: ArtifactStore
) -> None:
    training, evaluation = runs.of_pipeline(database, submitted_pipeline(database, artifacts))
    transitions.finish(database, claim_of(database, training.id))
    claim = claim_of(database, evaluation.id)
    by_both = judged_twice(answer(0, 0.1), 0.9)
    generations.replace(database, claim, "baseline", [by_both, answer(1, 0.1)])
    assert generations.answers(database, evaluation.id, 0) == {"baseline": by_both}
    assert generations.answers(database, evaluation.id, 1) == {"baseline": answer(1, 0.1)}
    by_first = generations.violation_rates(database, evaluation.id)["baseline"]
    by_second = generations.violation_rates(database, evaluation.id, by_second=True)["baseline"]
    assert by_first[Maxim.MANNER] == 0
    assert by_second[Maxim.MANNER] == 1  # of the one answer that it judged


def test_an_attempt_replaces_what_the_one_before_stored(
    database: Database, artifacts: ArtifactStore
) -> None:
    training, evaluation = runs.of_pipeline(database, submitted_pipeline(database, artifacts))
    transitions.finish(database, claim_of(database, training.id))
    claim = claim_of(database, evaluation.id)
    generations.replace(database, claim, "baseline", [answer(0, 0.9), answer(1, 0.9)])
    transitions.give_back(database, claim)
    with pytest.raises(StaleOwnerError):
        generations.replace(database, claim, "baseline", [])
    claim = claim_of(database, evaluation.id)
    generations.replace(database, claim, "baseline", [answer(0, 0.2)])
    assert generations.violation_rates(database, evaluation.id)["baseline"][Maxim.MANNER] == 0
    assert generations.answers(database, evaluation.id, 1) == {}


def test_what_each_evaluation_was_asked(database: Database, evaluation: int) -> None:
    asked = generations.asked(database, [evaluation, 999], "baseline")
    assert list(asked) == [evaluation]
    assert len(asked[evaluation]) == len(set(asked[evaluation]))
