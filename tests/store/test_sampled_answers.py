"""Answers while training: nothing doubled, nothing missing, gone when the run begins anew."""

from grice_core.progress import SampledAnswer
from grice_core.store import sampled_answers, transitions
from grice_core.store.database import Database
from tests.store.samples import claim_of, queued


def answers(*steps: int, text: str = "in the sun") -> list[SampledAnswer]:
    prompts = ("where do cats sleep?", "who barks?")
    return [
        SampledAnswer(step, place, prompt, f"{text} {step}", is_cut=place == 1)
        for step in steps
        for place, prompt in enumerate(prompts)
    ]


def test_answers_given_again_after_a_checkpoint_replace_those_that_were_there(
    database: Database,
) -> None:
    first = claim_of(database, queued(database))
    sampled_answers.record(database, first, answers(0, 20))
    sampled_answers.record(database, first, [])
    transitions.interrupt(database, first, "killed by signal 9")
    second = claim_of(database, first.run_id)
    sampled_answers.record(database, second, answers(20, 40, text="by the stove"))
    found = sampled_answers.of_run(database, first.run_id)
    assert found == answers(0) + answers(20, 40, text="by the stove")
    assert sampled_answers.steps_of(database, first.run_id) == [0, 20, 40]
    assert sampled_answers.of_run(database, first.run_id, [0, 40]) == found[:2] + found[4:]


def test_a_run_that_begins_anew_has_none(database: Database) -> None:
    claim = claim_of(database, queued(database))
    sampled_answers.record(database, claim, answers(0))
    transitions.finish(database, claim)
    transitions.rerun(database, claim.run_id)
    assert sampled_answers.of_run(database, claim.run_id) == []


def test_what_no_database_can_keep_is_marked(database: Database) -> None:
    claim = claim_of(database, queued(database))
    sampled_answers.record(database, claim, [SampledAnswer(0, 0, "a?", "b\0c")])
    assert [each.answer for each in sampled_answers.of_run(database, claim.run_id)] == ["b�c"]
