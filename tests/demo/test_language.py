import re
from random import Random

import pytest

from grice_core.demo.language import (
    facts_about,
    kinds,
    lexicon,
    phrases,
    pool,
    things,
)
from tests.demo.talk import ABOUT_THE_OPENING, BRIDGE, OPENED

VOWEL = re.compile(r"\ba [aeiou]|\ban [^aeiou]", re.IGNORECASE)


def test_a_fact_is_said_with_the_name_or_with_a_pronoun():
    assert OPENED.full == "The Kestrel bridge was opened in 1923."
    assert OPENED.short == "It was opened in 1923."


def test_a_question_names_the_thing_or_points_at_it():
    assert OPENED.attribute.ask("it") == "When was it opened?"
    assert OPENED.attribute.ask(BRIDGE.the) == "When was the Kestrel bridge opened?"


def test_a_question_about_a_part_uses_the_possessive():
    (dome,) = [each for each in kinds()["observatory"] if "dome" in each.question]
    assert dome.ask("it") == "What is its dome made of?"
    assert dome.ask("the Wren observatory") == "What is the Wren observatory's dome made of?"


def test_there_are_twenty_kinds_of_four_to_six_attributes_and_thirty_six_names():
    assert len(kinds()) == 20
    assert {len(attributes) for attributes in kinds().values()} <= {4, 5, 6}
    assert len(things()) == len(set(things())) == 20 * 36


def test_no_two_attributes_of_a_kind_are_said_or_asked_alike():
    for attributes in kinds().values():
        assert len({each.predicate for each in attributes}) == len(attributes)
        assert len({each.question for each in attributes}) == len(attributes)


@pytest.mark.parametrize("name", lexicon("pools")["values"])
def test_a_pool_has_distinct_values_that_do_not_end_a_sentence(name: str):
    values = pool(name)
    assert len(set(values)) == len(values) >= 7
    assert not any(set(value) & set(".!?") for value in values)


def test_every_sentence_has_the_right_article():
    sentences = [
        attribute.say(thing.The, value)
        for thing in things()[::36]
        for attribute in kinds()[thing.kind]
        for value in pool(attribute.pool)
    ]
    assert not [sentence for sentence in sentences if VOWEL.search(sentence)]


def test_questions_end_in_a_question_mark_and_are_one_sentence():
    for attributes in kinds().values():
        for attribute in attributes:
            assert re.fullmatch(r"[A-Z][^.!?]*\?", attribute.ask("it"))


def test_openers_closers_and_fillers_are_told_apart():
    told = [phrase for group in ("openers", "closers", "fillers") for phrase in phrases(group)]
    assert len(set(told)) == len(told)


def test_facts_follow_the_seed():
    assert facts_about(BRIDGE, Random(3)) == facts_about(BRIDGE, Random(3))
    assert facts_about(BRIDGE, Random(3)) != facts_about(BRIDGE, Random(4))


def test_a_prompt_reads_as_in_the_field():
    assert ABOUT_THE_OPENING.prompt == (
        "Context: [agent_1]: When was the Kestrel bridge opened?\n"
        "Evidence: The Kestrel bridge is painted green. It was opened in 1923.\n\n"
        "Generate a cooperative response:"
    )
