"""A dialogue: a speaker asks about a thing, and the evidence holds the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from grice_core.demo.language import Fact, Thing, facts_about, phrases

INSTRUCTION = "Generate a cooperative response:"


@dataclass(frozen=True)
class Dialogue:
    """A question about one fact of the evidence."""

    context: str
    """The turns so far; the last one asks the question."""
    evidence: tuple[Fact, ...]
    """Two or three true facts about the thing, in order."""
    asked: Fact
    """The fact that the question is about; one of the evidence."""
    foreign: Fact
    """A fact about a thing of another kind, which has no place here."""

    @property
    def thing(self) -> Thing:
        return self.asked.thing

    @property
    def others(self) -> tuple[Fact, ...]:
        """The evidence without the asked fact."""
        return tuple(fact for fact in self.evidence if fact != self.asked)

    @property
    def evidence_text(self) -> str:
        """The evidence as sentences; only the first one names the thing."""
        first, *rest = self.evidence
        return " ".join([first.full, *(fact.short for fact in rest)])

    @property
    def prompt(self) -> str:
        """The prompt as in the field: context, evidence, instruction."""
        return f"Context: {self.context}\nEvidence: {self.evidence_text}\n\n{INSTRUCTION}"


def draw_dialogue(facts: Sequence[Fact], strangers: Sequence[Thing], rng: Random) -> Dialogue:
    """A dialogue about a thing of which `facts` are true; an answer may stray to a stranger.

    facts: all of one thing, at least three; strangers: things, some of them of another kind.
    """
    evidence = tuple(rng.sample(list(facts), rng.choice([2, 3])))
    asked = rng.choice(evidence)
    stranger = rng.choice([each for each in strangers if each.kind != asked.thing.kind])
    foreign = rng.choice(facts_about(stranger, rng))
    return Dialogue(_context(asked, rng), evidence, asked, foreign)


def _context(asked: Fact, rng: Random) -> str:
    """One direct question, or small talk that leads to it."""
    the = asked.thing.the
    if rng.random() < 0.3:
        return f"[agent_1]: {asked.attribute.ask(the)}"
    opening, reply = rng.choice(phrases("introductions"))
    question = asked.attribute.ask("it" if rng.random() < 0.7 else the)
    return f"[agent_1]: {opening.format(the=the)} [agent_2]: {reply} [agent_1]: {question}"
