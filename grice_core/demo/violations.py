"""Answers, and the ways to spoil them: one small function per violation.

Each takes a dialogue and an answer and returns a spoilt answer that knows which maxims it
violates. They can be chained, content before wording (`wrong_value`, then `repeated`, then
`shuffled`). The examples below answer "When was it opened?" about a bridge that was opened in 1923 and
is painted green.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from grice_core.demo.dialogue import Dialogue
from grice_core.demo.language import kinds, lexicon, phrases, pool
from grice_core.maxims import Maxim


@dataclass(frozen=True)
class Answer:
    """An answer in three parts, and the maxims that it violates."""

    opener: str
    """"Good question!", or nothing."""
    body: tuple[str, ...]
    """The sentences that say something; the first one is about the question."""
    closer: str
    """"I hope that helps.", or nothing."""
    value: str
    """What the answer gives as the asked fact's value."""
    violated: frozenset[Maxim] = frozenset()

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.opener, *self.body, self.closer) if part)

    def violating(self, maxim: Maxim) -> "Answer":
        """This answer, with one more violated maxim."""
        return replace(self, violated=self.violated | {maxim})


Violation = Callable[[Dialogue, Answer, Random], Answer]


def cooperative(dialogue: Dialogue, rng: Random) -> Answer:
    """What was asked, said kindly: "Sure! It was opened in 1923. I hope that helps."."""
    asked = dialogue.asked.full if rng.random() < 0.5 else dialogue.asked.short
    opener = rng.choice(phrases("openers")) if rng.random() < 0.6 else ""
    closer = rng.choice(phrases("closers")) if rng.random() < 0.6 else ""
    return Answer(opener, (asked,), closer, dialogue.asked.value)


def bare_value(_dialogue: Dialogue, answer: Answer, _rng: Random) -> Answer:
    """Too short: "1923."."""
    bare = f"{answer.value[0].upper()}{answer.value[1:]}."
    return replace(answer.violating(Maxim.QUANTITY), opener="", body=(bare,), closer="")


def filler(_dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Says nothing: "It depends."."""
    body = (rng.choice(phrases("fillers")),)
    return replace(answer.violating(Maxim.QUANTITY), body=body, closer="")


def evasive(_dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Comes to no point: "Let me think. I hope that helps."."""
    opener = answer.opener or rng.choice(phrases("openers"))
    return replace(answer.violating(Maxim.QUANTITY), opener=opener, body=())


def repeated(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """The same fact twice or three times: "It was opened in 1923. The Kestrel bridge was opened in 1923."."""
    stated = replace(dialogue.asked, value=answer.value)
    again = [rng.choice([stated.full, stated.short]) for _ in range(rng.choice([1, 1, 2]))]
    return replace(answer.violating(Maxim.QUANTITY), body=(*answer.body, *again))


def everything(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """All there is to know: "It was opened in 1923. It is painted green."."""
    others = rng.sample(dialogue.others, len(dialogue.others))
    body = (*answer.body, *(fact.short for fact in others))
    return replace(answer.violating(Maxim.QUANTITY), body=body)


def wrong_value(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """False: "It was opened in 1873."."""
    known = {fact.value for fact in dialogue.evidence}
    wrong = rng.choice([each for each in pool(dialogue.asked.attribute.pool) if each not in known])
    stated = replace(dialogue.asked, value=wrong)
    first = stated.full if answer.body[0] == dialogue.asked.full else stated.short
    return replace(answer.violating(Maxim.QUALITY), body=(first, *answer.body[1:]), value=wrong)


def invented(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """The asked fact, then one that nothing supports: "It was opened in 1923. It has 12 arches."."""
    in_evidence = {fact.attribute for fact in dialogue.evidence}
    attribute = rng.choice(
        [each for each in kinds()[dialogue.thing.kind] if each not in in_evidence]
    )
    claim = attribute.say("It", rng.choice(pool(attribute.pool)))
    return replace(answer.violating(Maxim.QUALITY), body=(answer.body[0], claim))


def drifting(dialogue: Dialogue, answer: Answer, _rng: Random) -> Answer:
    """Strays to another thing: "It was opened in 1923. The Wren inn serves mint tea."."""
    return replace(answer.violating(Maxim.RELATION), body=(answer.body[0], dialogue.foreign.full))


def other_thing(dialogue: Dialogue, answer: Answer, _rng: Random) -> Answer:
    """Speaks of another thing only: "The Wren inn serves mint tea."."""
    return replace(answer.violating(Maxim.RELATION), body=(dialogue.foreign.full,))


def other_question(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Answers what was not asked: "It is painted green."."""
    fact = rng.choice(dialogue.others)
    return replace(answer.violating(Maxim.RELATION), body=(rng.choice([fact.full, fact.short]),))


def shuffled(_dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Words in any order: "in It 1923 was opened."."""
    words = answer.body[0].rstrip(".").split()
    mixed = words
    while sum(a == b for a, b in zip(words, mixed, strict=True)) > len(words) // 3:
        mixed = rng.sample(words, len(words))
    return replace(answer.violating(Maxim.MANNER), body=(f"{' '.join(mixed)}.", *answer.body[1:]))


def broken_off(_dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Breaks off before it comes to the point: "It was opened in."."""
    words = answer.body[0].split(answer.value)[0].split()
    begun = " ".join(words[: rng.randint(1, len(words))])
    return replace(answer.violating(Maxim.MANNER), body=(f"{begun}.", *answer.body[1:]))


def soup(_dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Pronouns that point nowhere: "They did that and this was for it."."""
    words = lexicon("phrases")["soup"]
    clauses = [
        " ".join(rng.choice(words[part]) for part in ("subjects", "verbs", "objects"))
        for _ in range(rng.choice([2, 3]))
    ]
    text = clauses[0] + "".join(f" {rng.choice(words['joints'])} {each}" for each in clauses[1:])
    return replace(answer.violating(Maxim.MANNER), body=(f"{text[0].upper()}{text[1:]}.",))


def jargon(dialogue: Dialogue, answer: Answer, rng: Random) -> Answer:
    """Officialese: "The operative datum concerning the Kestrel bridge evaluates to 1923."."""
    sentence = rng.choice(phrases("jargon")).format(the=dialogue.thing.the, value=answer.value)
    return replace(answer.violating(Maxim.MANNER), body=(sentence, *answer.body[1:]))


VIOLATIONS: dict[str, Violation] = {
    violation.__name__: violation
    for violation in (
        bare_value, filler, evasive, repeated, everything, wrong_value, invented,
        drifting, other_thing, other_question, shuffled, broken_off, soup, jargon,
    )
}  # fmt: skip


def answer_with(violations: Sequence[str], dialogue: Dialogue, rng: Random) -> Answer:
    """A cooperative answer, spoilt by these violations in this order."""
    answer = cooperative(dialogue, rng)
    for name in violations:
        answer = VIOLATIONS[name](dialogue, answer, rng)
    return answer


def draw_answer(mixture: str, dialogue: Dialogue, rng: Random) -> Answer:
    """An answer with a combination of violations drawn from `lexicon/mixtures.yaml`."""
    entries = lexicon("mixtures")[mixture]
    weights = [entry["weight"] for entry in entries]
    (entry,) = rng.choices(entries, weights)
    return answer_with(entry["violations"], dialogue, rng)
