"""The rules themselves as a judge: what the real world doesn't have.

The demo's sentences come from a small grammar, so an answer can be read back and compared with
its dialogue. The oracle knows nothing of how an answer was made: it judges a model's own words.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from itertools import chain

from grice_core.demo.dialogue import Dialogue
from grice_core.demo.language import Attribute, Fact, Thing, kinds, phrases, pool, pools
from grice_core.maxims import Maxim


class Reading(Enum):
    """What a sentence turns out to be, apart from a statement of a fact."""

    DECORATION = auto()
    """An opener or a closer."""
    FILLER = auto()
    JARGON = auto()
    GARBLED = auto()
    """Nothing of the grammar."""


@dataclass(frozen=True)
class Claim:
    """A sentence that gives a value for something."""

    thing: Thing
    attribute: Attribute
    value: str
    reading: Reading | None = None
    """`JARGON` if it was said in jargon, `FILLER` if it is the bare value."""


def judge(dialogue: Dialogue, response: str) -> frozenset[Maxim]:
    """The maxims that a response to this dialogue violates.

    Quantity: says nothing but a bare value or filler, or tells more of the evidence than was
    asked, be it the same fact twice. Quality: a claim that isn't in the evidence. Relation: a fact about another thing,
    or facts but not the asked one. Manner: jargon, or a sentence that isn't one.
    """
    readings = [_read(sentence, dialogue) for sentence in _sentences(response)]
    claims = [reading for reading in readings if isinstance(reading, Claim)]
    own = [claim for claim in claims if claim.thing == dialogue.thing]
    stated = [claim.attribute for claim in own]
    topics = {fact.attribute for fact in dialogue.evidence}
    unclear = Reading.GARBLED in readings or any(c.reading is Reading.JARGON for c in claims)
    full = [claim for claim in claims if claim.reading is not Reading.FILLER]

    answered = [attribute for attribute in stated if attribute in topics]

    violated = set()
    if not (full or unclear) or len(answered) > 1:
        violated.add(Maxim.QUANTITY)
    if any(not _supported(claim, dialogue) for claim in own):
        violated.add(Maxim.QUALITY)
    beside = bool(full) and dialogue.asked.attribute not in stated and not unclear
    if len(own) < len(claims) or beside:
        violated.add(Maxim.RELATION)
    if unclear:
        violated.add(Maxim.MANNER)
    return frozenset(violated)


def _supported(claim: Claim, dialogue: Dialogue) -> bool:
    return Fact(claim.thing, claim.attribute, claim.value) in dialogue.evidence


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


def _read(sentence: str, dialogue: Dialogue) -> Reading | Claim:
    """What one sentence of a response is."""
    if sentence in phrases("openers") or sentence in phrases("closers"):
        return Reading.DECORATION
    if sentence in phrases("fillers"):
        return Reading.FILLER
    claim = _statement(sentence, dialogue.thing) or _bare(sentence, dialogue)
    return claim or _officialese(sentence, dialogue) or Reading.GARBLED


def _statement(sentence: str, thing: Thing) -> Claim | None:
    """A plain statement; `It` is the thing of the dialogue.

    What is only said of other kinds is a statement too: "It has 12 arches." of an inn is false, but
    clear. So is a value out of place: "It was opened in Wendmark.".
    """
    match = re.fullmatch(r"(?:It|The (\w+) (\w+)) (.+)\.", sentence)
    if not match:
        return None
    name, kind, rest = match.groups()
    subject = Thing(name, kind) if name else thing
    if subject.kind not in kinds():
        return None
    every = chain(kinds()[subject.kind], *kinds().values())
    claims = [Claim(subject, each, value) for each in every if (value := _value(rest, each))]
    fitting = (claim for claim in claims if _plausible(claim.value, claim.attribute.pool))
    out_of_place = (claim for claim in claims if any(_plausible(claim.value, p) for p in pools()))
    return next(chain(fitting, out_of_place), None)


def _value(predicate: str, attribute: Attribute) -> str | None:
    """What stands in an attribute's gap: "was opened in 1923" → "1923"."""
    before, after = attribute.predicate.split("{value}")
    if not (predicate.startswith(before) and predicate.endswith(after)):
        return None
    return predicate[len(before) : len(predicate) - len(after)]


def _bare(sentence: str, dialogue: Dialogue) -> Claim | None:
    """The value alone: a claim about what was asked."""
    asked = dialogue.asked
    for value in pool(asked.attribute.pool):
        if sentence.lower() == f"{value.lower()}.":
            return Claim(asked.thing, asked.attribute, value, Reading.FILLER)
    return None


def _officialese(sentence: str, dialogue: Dialogue) -> Claim | None:
    """A claim about what was asked, or about another thing, in jargon."""
    for pattern in _jargon():
        if match := pattern.fullmatch(sentence):
            thing = Thing(match["name"], match["kind"])
            return Claim(thing, dialogue.asked.attribute, match["value"], Reading.JARGON)
    return None


@cache
def _jargon() -> tuple[re.Pattern[str], ...]:
    gaps = {"{the}": r"the (?P<name>\w+) (?P<kind>\w+)", "{value}": "(?P<value>.+?)"}
    patterns = [re.escape(each) for each in phrases("jargon")]
    for gap, group in gaps.items():
        patterns = [each.replace(re.escape(gap), group) for each in patterns]
    return tuple(re.compile(each) for each in patterns)


@cache
def _positions(name: str) -> tuple[frozenset[str], ...]:
    """Which words stand first, second … in the values of a pool."""
    values = [value.split() for value in pool(name)]
    longest = max(len(words) for words in values)
    return tuple(frozenset(w[i] for w in values if len(w) > i) for i in range(longest))


def _plausible(value: str, name: str) -> bool:
    """Whether this reads like a value of the pool, be it a new combination of its words."""
    positions = _positions(name)
    words = value.split()
    lengths = {len(each.split()) for each in pool(name)}
    return len(words) in lengths and all(w in p for w, p in zip(words, positions, strict=False))
