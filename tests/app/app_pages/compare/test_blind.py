"""What is judged next, in which order, and who agreed."""

import numpy as np
import pytest

from app.app_pages.compare.blind import (
    SECOND_OPINION_EVERY,
    Offer,
    blind_result,
    judgements_csv,
    labels_of,
    next_offer,
    next_prompt,
    num_replaced,
    persons_agree,
    shuffled,
)
from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.votes import JudgedAnswer, JudgedPrompt, JudgedTwice, Said

MODELS = ["baseline", "stage1", "stage2"]


def test_every_prompt_comes_once() -> None:
    judged: set[int] = set()
    while (index := next_prompt(1, "ann", range(10), judged)) is not None:
        assert index not in judged
        judged.add(index)
    assert judged == set(range(10))


def test_a_reload_shows_the_same_prompt_in_the_same_order_and_persons_differ() -> None:
    assert next_prompt(1, "ann", range(1000), set()) == next_prompt(1, "ann", range(1000), set())
    assert next_prompt(1, "ann", range(1000), set()) != next_prompt(1, "bob", range(1000), set())
    assert shuffled(1, "ann", 7, MODELS) == shuffled(1, "ann", 7, MODELS)


def test_no_model_has_a_place_of_its_own() -> None:
    places = [shuffled(1, "", index, MODELS).index("baseline") for index in range(600)]
    # Each place 200 times, give or take four standard deviations of a binomial.
    for place in range(3):
        assert abs(places.count(place) - 200) < 4 * (600 * 1 / 3 * 2 / 3) ** 0.5


def judged(prompt: int, model: str, person: set[Maxim], detector: set[Maxim]) -> list[JudgedTwice]:
    return [JudgedTwice(prompt, model, m, m in person, m in detector) for m in MAXIMS]


def test_agreement_and_rates_by_hand() -> None:
    manner = {Maxim.MANNER}
    found = blind_result(
        [
            *judged(3, "baseline", manner, manner),
            *judged(3, "stage1", set(), set()),
            *judged(8, "baseline", set(), manner),
            *judged(8, "stage1", set(), set()),
        ]
    )
    assert found is not None
    assert found.num_prompts == 2
    of = {one.measure: one for one in found.agreements}
    assert (of["manner"].num_agreed, of["manner"].num_answers) == (3, 4)
    assert (of["quantity"].num_agreed, of["cooperative"].num_agreed) == (4, 3)
    assert [(one.model, one.by_person, one.by_detector) for one in found.cooperative] == [
        ("baseline", 1, 0),
        ("stage1", 2, 2),
    ]


def test_before_the_first_judgement_there_is_no_agreement() -> None:
    assert blind_result([]) is None


def test_judgements_are_taken_along_with_those_of_replaced_answers() -> None:
    said = [
        Said(
            "one, two?",
            'so "it" is',
            "baseline",
            Maxim.MANNER,
            by_person=True,
            by_detector=False,
            by_second=True,
        ),
        Said("one, two?", "gone", "stage1", Maxim.MANNER, by_person=False, by_detector=None),
        Said("one, two?", "gone", "stage1", Maxim.QUALITY, by_person=True, by_detector=None),
    ]
    assert num_replaced(said) == 1
    labels = GoldLabels([Judgement("one, two?", 'so "it" is', frozenset(), chance=0.5)])
    assert judgements_csv(said, "ann", labels).splitlines() == [
        "prompt,response,model,maxim,by_person,by_detector,by_second_judge,person,chance",
        '"one, two?","so ""it"" is",baseline,manner,1,0,1,ann,0.5',
        '"one, two?",gone,stage1,manner,0,,,ann,',
        '"one, two?",gone,stage1,quality,1,,,ann,',
    ]


def test_what_no_one_has_judged_is_offered_with_its_chance() -> None:
    chances = np.array([0.0, 0.7, 0.1, 0.2])
    offers = [next_offer(run_id, "ann", [3, 5, 7, 9], {3}, chances) for run_id in range(600)]
    found = [offer for offer in offers if offer is not None]
    assert {(one.prompt_index, round(one.relative_chance or 0, 6)) for one in found} == {
        (5, 2.1),
        (7, 0.3),
        (9, 0.6),
    }
    often = sum(one.prompt_index == 5 for one in found)
    assert abs(often - 420) < 4 * (600 * 0.7 * 0.3) ** 0.5
    assert next_offer(1, "ann", [3, 5, 7, 9], {3}, chances) == offers[1]  # a reload changes nothing


def test_now_and_then_a_second_opinion_is_asked_for() -> None:
    chances = np.array([0.0, 0.0, 0.5, 0.5])  # someone has judged the first two
    asked = [
        next_offer(1, "bob", [0, 1, 2, 3], set(range(10, 10 + num)), chances) for num in range(8)
    ]
    second = [num for num, offer in enumerate(asked) if offer and offer.relative_chance is None]
    assert second == [SECOND_OPINION_EVERY - 1, 2 * SECOND_OPINION_EVERY - 1]
    assert {offer.prompt_index for offer in asked if offer and offer.relative_chance} <= {2, 3}


def test_at_the_end_there_is_what_others_judged_and_then_nothing() -> None:
    nothing_new = np.zeros(2)
    assert next_offer(1, "bob", [0, 1], {0}, nothing_new) == Offer(1, None)
    assert next_offer(1, "bob", [0, 1], {0, 1}, nothing_new) is None


def said_by(voter: str, index: int, **violated: set[Maxim]) -> list[JudgedAnswer]:
    return [
        JudgedAnswer(voter, index, model, f"prompt {index}", f"{model} {index}", frozenset(of))
        for model, of in violated.items()
    ]


def test_labels_know_how_likely_their_prompt_was_to_be_picked() -> None:
    answers = [*said_by("ann", 0, baseline={Maxim.MANNER}), *said_by("ann", 4, baseline=set())]
    picked = [JudgedPrompt(0, 2.0), JudgedPrompt(4, 0.5)]
    first, second = labels_of(answers, picked, num_prompts=10_000).judgements
    # Of very many prompts: twice as likely counts half.
    assert first.chance / second.chance == pytest.approx(4, rel=1e-3)
    assert (first.person, max(first.chance, second.chance)) == ("ann", 1)
    uniform = labels_of(answers, [JudgedPrompt(0, 1.0), JudgedPrompt(4, 1.0)], num_prompts=10)
    assert [one.chance for one in uniform.judgements] == [1, 1]


def test_persons_agree_where_both_judged_the_same_answers() -> None:
    manner = {Maxim.MANNER}
    answers = [
        *said_by("ann", 0, baseline=manner, stage1=set()),
        *said_by("bob", 0, baseline=manner, stage1=manner),
        *said_by("ann", 1, baseline=set(), stage1=set()),
        *said_by("bob", 2, baseline=set(), stage1=set()),
    ]
    num_prompts, found = persons_agree(answers, ["baseline", "stage1"])
    by_measure = {one.measure: (one.num_agreed, one.num_answers) for one in found}
    assert num_prompts == 1
    assert by_measure["manner"] == (1, 2)
    assert by_measure["quantity"] == (2, 2)
    assert persons_agree(answers[:2], ["baseline", "stage1"]) == (0, [])
