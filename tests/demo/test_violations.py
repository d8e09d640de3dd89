from random import Random

import pytest

from grice_core.demo.language import lexicon, phrases
from grice_core.demo.oracle import judge
from grice_core.demo.violations import VIOLATIONS, Answer, answer_with, cooperative
from grice_core.maxims import Maxim
from tests.demo.talk import ABOUT_THE_OPENING, OPENED, PAINTED, SERVES

PLAIN = Answer(opener="Sure!", body=(OPENED.short,), closer="I hope that helps.", value="1923")


def spoilt(name: str, seed: int = 0, answer: Answer = PLAIN) -> Answer:
    return VIOLATIONS[name](ABOUT_THE_OPENING, answer, Random(seed))


def test_a_cooperative_answer_states_the_asked_fact_and_violates_nothing():
    for seed in range(30):
        answer = cooperative(ABOUT_THE_OPENING, Random(seed))
        assert answer.body[0] in (OPENED.full, OPENED.short)
        assert answer.violated == frozenset()


def test_a_bare_value_is_all_that_is_said():
    assert spoilt("bare_value").text == "1923."


def test_a_filler_says_nothing():
    assert spoilt("filler").body[0] in phrases("fillers")
    assert "1923" not in spoilt("filler").text


def test_an_evasive_answer_comes_to_no_point():
    assert spoilt("evasive").text == "Sure! I hope that helps."


def test_all_there_is_to_know_is_told():
    assert spoilt("everything").body == (OPENED.short, PAINTED.short)


def test_a_repeated_fact_stands_there_at_least_twice():
    assert spoilt("repeated").text.count("was opened in 1923") >= 2


def test_a_wrong_value_replaces_the_true_one():
    answer = spoilt("wrong_value")
    assert "1923" not in answer.text
    assert answer.value != "1923"
    assert answer.body == (f"It was opened in {answer.value}.",)


def test_an_invented_fact_is_not_in_the_evidence():
    first, second = spoilt("invented").body
    assert first == OPENED.short
    assert second not in (OPENED.short, PAINTED.short)


def test_drifting_ends_with_another_thing():
    assert spoilt("drifting").body == (OPENED.short, SERVES.full)


def test_another_thing_is_all_that_is_spoken_of():
    assert spoilt("other_thing").body == (SERVES.full,)


def test_another_question_is_answered():
    assert spoilt("other_question").body[0] in (PAINTED.full, PAINTED.short)


def test_shuffling_keeps_the_words_and_loses_their_order():
    (sentence,) = spoilt("shuffled").body
    assert sentence != OPENED.short
    assert sorted(sentence.rstrip(".").split()) == ["1923", "It", "in", "opened", "was"]


def test_a_sentence_that_breaks_off_never_comes_to_the_value():
    for seed in range(20):
        (sentence,) = spoilt("broken_off", seed).body
        assert OPENED.short.startswith(sentence.rstrip("."))
        assert "1923" not in sentence


def test_jargon_keeps_the_value():
    assert "1923" in spoilt("jargon").text
    assert OPENED.short not in spoilt("jargon").text


def test_violations_add_up():
    wrong = spoilt("wrong_value")
    both = spoilt("bare_value", answer=wrong)
    assert both.text == f"{wrong.value}."
    assert both.violated == {Maxim.QUALITY, Maxim.QUANTITY}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_adds_exactly_one_maxim_that_the_rules_confirm(name: str):
    for seed in range(30):
        answer = spoilt(name, seed)
        assert len(answer.violated) == 1
        assert judge(ABOUT_THE_OPENING, answer.text) == answer.violated


@pytest.mark.parametrize("mixture", lexicon("mixtures"))
def test_a_mixture_names_violations_that_exist(mixture: str):
    for entry in lexicon("mixtures")[mixture]:
        assert entry["weight"] > 0
        answer_with(entry["violations"], ABOUT_THE_OPENING, Random(0))
