"""The demo's language: invented things, what is true of them, and how it is said.

The words are data (`lexicon/*.yaml`). What is true of a thing is drawn at random and stands in the
evidence, so that an answer has to read it there.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random
from typing import Any

import yaml

GAP = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Attribute:
    """Something that can be asked and said about every thing of a kind."""

    question: str
    """With a gap `{it}` or `{its}`: "When was {it} opened?"."""
    predicate: str
    """With one gap for the value: "was opened in {value}"."""
    pool: str
    """The pool that its values come from."""

    def ask(self, subject: str) -> str:
        """The question about a subject: "the Wren inn" → "When was the Wren inn opened?"."""
        possessive = "its" if subject == "it" else f"{subject}'s"
        return self.question.format(it=subject, its=possessive)

    def say(self, subject: str, value: str) -> str:
        """The sentence about a subject: "It", "1923" → "It was opened in 1923."."""
        return f"{subject} {self.predicate.format(value=value)}."


@dataclass(frozen=True)
class Thing:
    """An invented thing: a name and a kind."""

    name: str
    kind: str

    @property
    def the(self) -> str:
        """As it stands inside a sentence: "the Kestrel bridge"."""
        return f"the {self.name} {self.kind}"

    @property
    def The(self) -> str:  # noqa: N802 - a capital, as at the start of a sentence
        """As it opens a sentence: "The Kestrel bridge"."""
        return f"The {self.name} {self.kind}"


@dataclass(frozen=True)
class Fact:
    """A value of an attribute of a thing, whether true or not."""

    thing: Thing
    attribute: Attribute
    value: str

    @property
    def full(self) -> str:
        """The sentence with the thing's name: "The Kestrel bridge was opened in 1923."."""
        return self.attribute.say(self.thing.The, self.value)

    @property
    def short(self) -> str:
        """The sentence with a pronoun: "It was opened in 1923."."""
        return self.attribute.say("It", self.value)


@cache
def lexicon(name: str) -> Any:
    """The content of `lexicon/{name}.yaml`."""
    text = resources.files(__package__).joinpath("lexicon", f"{name}.yaml").read_text("utf-8")
    return yaml.safe_load(text)


@cache
def phrases(group: str) -> tuple[Any, ...]:
    """The phrases of one group of `lexicon/phrases.yaml`."""
    return tuple(lexicon("phrases")[group])


@cache
def pool(name: str) -> tuple[str, ...]:
    """All values of a pool."""
    return tuple(str(value) for value in lexicon("pools")["values"][name])


@cache
def pools() -> tuple[str, ...]:
    """The names of all pools."""
    return tuple(lexicon("pools")["values"])


@cache
def kinds() -> dict[str, tuple[Attribute, ...]]:
    """The attributes of every kind."""
    return {
        kind: tuple(_attribute(entry["ask"], entry["say"]) for entry in entries)
        for kind, entries in lexicon("kinds").items()
    }


@cache
def things() -> tuple[Thing, ...]:
    """All things there are: every name with every kind."""
    return tuple(Thing(name, kind) for kind in kinds() for name in lexicon("pools")["names"])


def facts_about(thing: Thing, rng: Random) -> tuple[Fact, ...]:
    """One fact per attribute of the thing's kind, its value drawn from the attribute's pool."""
    return tuple(Fact(thing, each, rng.choice(pool(each.pool))) for each in kinds()[thing.kind])


def _attribute(question: str, statement: str) -> Attribute:
    gaps = GAP.findall(statement)
    if len(gaps) != 1:
        raise ValueError(f"{statement!r} needs exactly one gap")
    return Attribute(question, GAP.sub("{value}", statement), gaps[0])
