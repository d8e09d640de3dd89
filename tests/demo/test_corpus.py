from random import Random

from grice_core.demo.corpus import draw_dialogues, draw_examples, known_things, new_things
from grice_core.demo.language import things


def test_every_thing_is_either_known_or_new():
    assert set(known_things()) | set(new_things()) == set(things())
    assert not set(known_things()) & set(new_things())
    assert len(new_things()) == 180


def test_every_name_and_every_kind_of_the_new_things_is_known():
    known = known_things()
    assert {thing.name for thing in new_things()} <= {thing.name for thing in known}
    assert {thing.kind for thing in new_things()} <= {thing.kind for thing in known}


def test_examples_never_mention_a_new_thing():
    new = {thing.the.removeprefix("the ") for thing in new_things()}
    for example in draw_examples("rejected", 300, Random(0)):
        text = example.dialogue.prompt + example.answer.text
        assert not any(name in text for name in new)


def test_facts_do_not_contradict_each_other_between_dialogues():
    thing = known_things()[0]
    told: dict[str, str] = {}
    for dialogue in draw_dialogues([thing] * 20, seed=0):
        for fact in dialogue.evidence:
            assert told.setdefault(fact.attribute.predicate, fact.value) == fact.value


def test_the_same_seed_draws_the_same():
    assert draw_examples("base", 5, Random(2)) == draw_examples("base", 5, Random(2))
    assert draw_dialogues(new_things(), 1) == draw_dialogues(new_things(), 1)
    assert draw_dialogues(new_things(), 1) != draw_dialogues(new_things(), 2)
