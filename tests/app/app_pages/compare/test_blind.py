"""What is judged next, in which order, and who agreed."""

from app.app_pages.compare.blind import (
    blind_result,
    judgements_csv,
    next_prompt,
    num_replaced,
    shuffled,
)
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.votes import JudgedTwice, Said

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
            "one, two?", 'so "it" is', "baseline", Maxim.MANNER, by_person=True, by_detector=False
        ),
        Said("one, two?", "gone", "stage1", Maxim.MANNER, by_person=False, by_detector=None),
        Said("one, two?", "gone", "stage1", Maxim.QUALITY, by_person=True, by_detector=None),
    ]
    assert num_replaced(said) == 1
    assert judgements_csv(said).splitlines() == [
        "prompt,response,model,maxim,by_person,by_detector",
        '"one, two?","so ""it"" is",baseline,manner,1,0',
        '"one, two?",gone,stage1,manner,0,',
        '"one, two?",gone,stage1,quality,1,',
    ]
