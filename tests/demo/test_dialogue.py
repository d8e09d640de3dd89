from random import Random

from grice_core.data.prompts import split_prompt
from grice_core.demo.dialogue import draw_dialogue
from grice_core.demo.language import facts_about, things
from tests.demo.talk import ABOUT_THE_OPENING, BRIDGE, PAINTED


def drawn(seed: int):
    rng = Random(seed)
    return draw_dialogue(facts_about(BRIDGE, rng), things(), rng)


def test_the_evidence_holds_the_asked_fact_among_two_or_three():
    for seed in range(50):
        dialogue = drawn(seed)
        assert dialogue.asked in dialogue.evidence
        assert len(set(dialogue.evidence)) == len(dialogue.evidence) in (2, 3)


def test_the_last_turn_asks_for_the_asked_fact():
    for seed in range(50):
        dialogue = drawn(seed)
        ask = dialogue.asked.attribute.ask
        assert dialogue.context.endswith((ask("it"), ask(BRIDGE.the)))
        assert BRIDGE.the in dialogue.context


def test_the_foreign_fact_is_about_another_kind_of_thing():
    assert all(drawn(seed).foreign.thing.kind != "bridge" for seed in range(50))


def test_the_others_are_the_evidence_without_the_asked_fact():
    assert ABOUT_THE_OPENING.others == (PAINTED,)


def test_the_field_can_take_the_prompt_apart():
    dialogue = drawn(0)
    context, evidence = split_prompt(dialogue.prompt)
    assert (context, evidence) == (dialogue.context, dialogue.evidence_text)
