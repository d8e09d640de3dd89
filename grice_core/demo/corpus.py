"""Dialogues and answers in numbers: who is known, who is new, and what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from grice_core.demo.dialogue import Dialogue, draw_dialogue
from grice_core.demo.language import Thing, facts_about, kinds, things
from grice_core.demo.violations import Answer, draw_answer

NEW_EVERY = 4
"""One thing in so many is new: no model has seen it in training."""


@dataclass(frozen=True)
class Example:
    """A dialogue and an answer to it."""

    dialogue: Dialogue
    answer: Answer


@cache
def known_things() -> tuple[Thing, ...]:
    """The things that models are trained on."""
    return tuple(thing for i, thing in enumerate(things()) if not _is_new(i))


@cache
def new_things() -> tuple[Thing, ...]:
    """The things that models are evaluated on; their names and kinds are known, but not together."""
    return tuple(thing for i, thing in enumerate(things()) if _is_new(i))


def draw_examples(
    mixture: str, number: int, rng: Random, about: Sequence[Thing] | None = None
) -> list[Example]:
    """Examples about known things (or those given), each in a world of its own.

    Since the facts about a thing change from one example to the next, there is nothing to
    memorise: to answer, a model has to read the evidence.
    """
    known = known_things()
    examples = []
    for _ in range(number):
        facts = facts_about(rng.choice(about or known), rng)
        dialogue = draw_dialogue(facts, known, rng)
        examples.append(Example(dialogue, draw_answer(mixture, dialogue, rng)))
    return examples


def draw_dialogues(about: Sequence[Thing], seed: int) -> list[Dialogue]:
    """One dialogue per mention of a thing, all in the same world: facts don't contradict each other."""
    rng = Random(seed)
    known = known_things()
    return [
        draw_dialogue(facts_about(thing, Random(f"{seed} {thing.the}")), known, rng)
        for thing in about
    ]


def _is_new(index: int) -> bool:
    kind, name = divmod(index, len(things()) // len(kinds()))
    return (kind + name) % NEW_EVERY == 0
