from random import Random

import pytest

from grice_core.demo.corpus import draw_examples
from grice_core.demo.language import lexicon
from grice_core.demo.oracle import judge
from grice_core.maxims import Maxim
from tests.demo.talk import ABOUT_THE_OPENING

QUANTITY, QUALITY, RELATION, MANNER = Maxim


def verdict(response: str) -> set[Maxim]:
    return set(judge(ABOUT_THE_OPENING, response))


@pytest.mark.parametrize(
    "response",
    [
        "It was opened in 1923.",
        "Good question! The Kestrel bridge was opened in 1923.",
        "I looked that up once. It was opened in 1923. I hope that helps.",
    ],
)
def test_a_cooperative_response_violates_nothing(response: str):
    assert verdict(response) == set()


@pytest.mark.parametrize(
    "response",
    [
        "",
        "1923.",
        "Yes.",
        "Good question!",
        "It was opened in 1923. The Kestrel bridge was opened in 1923.",
        "1923. It was opened in 1923.",
        "It was opened in 1923. It is painted green.",
        "It is painted green. It was opened in 1923.",
    ],
)
def test_too_little_or_too_much_is_a_matter_of_quantity(response: str):
    assert verdict(response) == {QUANTITY}


@pytest.mark.parametrize(
    "response",
    ["It was opened in 1873.", "It was opened in 1923. It has 12 arches.", "It was designed by Ada Lund. It was opened in 1923."],
)  # fmt: skip
def test_what_the_evidence_does_not_say_is_a_matter_of_quality(response: str):
    assert verdict(response) == {QUALITY}


@pytest.mark.parametrize(
    "response",
    [
        "The Wren inn serves mint tea.",
        "It was opened in 1923. The Wren inn serves mint tea.",
        "It is painted green.",
        "The Wren bridge was opened in 1923. It was opened in 1923.",
    ],
)
def test_another_thing_or_another_question_is_a_matter_of_relation(response: str):
    assert verdict(response) == {RELATION}


@pytest.mark.parametrize(
    "response",
    [
        "in It 1923 was opened.",
        "It did that and this became them.",
        "It was opened in",
        "Pursuant to the inquiry, the operative datum concerning the Kestrel bridge evaluates to 1923.",
        "It is painted green. opened was 1923 in It.",
    ],
)
def test_what_nobody_can_follow_is_a_matter_of_manner(response: str):
    assert verdict(response) == {MANNER}


def test_several_maxims_can_be_violated_at_once():
    assert verdict("1873.") == {QUANTITY, QUALITY}
    assert verdict("It was opened in 1873. The Wren inn serves mint tea.") == {QUALITY, RELATION}
    assert verdict(
        "Pursuant to the inquiry, the operative datum concerning the Kestrel bridge evaluates to 1873."
    ) == {QUALITY, MANNER}


@pytest.mark.parametrize(
    "claim", ["It serves mint tea.", "It has green rows of seats.", "It was designed by 1923."]
)
def test_a_clear_sentence_that_cannot_be_true_is_a_matter_of_quality(claim: str):
    """Bridges have no rows of seats, but anyone who says so can be understood."""
    assert verdict(f"It was opened in 1923. {claim}") == {QUALITY}


def test_words_of_a_person_in_the_wrong_order_are_no_claim():
    assert verdict("It was opened in 1923. It was designed by Morrow Ada.") == {MANNER}


@pytest.mark.parametrize("mixture", lexicon("mixtures"))
def test_the_rules_read_back_every_answer_as_it_was_made(mixture: str):
    for example in draw_examples(mixture, 1000, Random(1)):
        answer = example.answer
        assert judge(example.dialogue, answer.text) == answer.violated, answer.text
