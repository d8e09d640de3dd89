"""Empty answers and answers that were cut are counted wherever rates stand."""

from dataclasses import replace

from grice_core.evaluation.answers import AnswerJournal, Answers
from grice_core.evaluation.endings import ending_warnings, endings
from grice_core.evaluation.results import generations_jsonl
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged


def model(name: str, responses: list[str], cut: frozenset[int] = frozenset()) -> EvaluatedModel:
    made = judged(name, ["-"] * len(responses))
    return replace(made, responses=responses, cut=cut)


FINE = model("baseline", ["a", "b", "c", "d"])


def test_nothing_is_said_of_answers_that_ended_well() -> None:
    assert endings([FINE]) == []
    assert ending_warnings(FINE) == []


def test_each_model_is_counted_where_one_has_any() -> None:
    after = model("stage1", ["", " \n", "c", "d"], frozenset({3}))
    assert endings([FINE, after]) == [
        "Empty answers: baseline 0 of 4, stage1 2 of 4.",
        "Answers cut at the token limit: baseline 0 of 4, stage1 1 of 4.",
    ]
    assert ending_warnings(after) == [
        "2 of 4 answers of stage1 are empty.",
        "1 of 4 answers of stage1 were cut at the token limit: raise evaluation.max_new_tokens.",
    ]


def test_a_verdict_on_empty_answers_says_so_in_its_sentence() -> None:
    mute = model("stage1", [""] * 4)
    verdict = judge([FINE, mute], EvaluationConfig())
    assert verdict.sentence.endswith("All answers of stage1 are empty: its rates mean nothing.")
    assert judge([FINE, replace(FINE, name="stage1")], EvaluationConfig()).sentence.endswith(
        "prompts)."
    )


def test_what_was_cut_is_known_after_an_interruption_and_in_the_file(tmp_path) -> None:
    with AnswerJournal(tmp_path / "answers", "key") as journal:
        journal.of("stage1").keep_responses({0: "whole", 1: "cut"}, {1})
    with AnswerJournal(tmp_path / "answers", "key") as journal:
        assert journal.of("stage1").cut == {1}
    lines = generations_jsonl([model("stage1", ["a", "b"], frozenset({1}))]).splitlines()
    assert ['"cut": true' in line for line in lines] == [False, True]


def test_answers_begin_uncut() -> None:
    assert Answers().cut == set()
