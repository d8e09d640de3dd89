"""One dialogue to work on by hand."""

from grice_core.demo.dialogue import Dialogue
from grice_core.demo.language import Fact, Thing, kinds

BRIDGE = Thing("Kestrel", "bridge")
INN = Thing("Wren", "inn")


def fact(thing: Thing, beginning: str, value: str) -> Fact:
    """The fact about a thing whose sentence begins like this."""
    (attribute,) = [each for each in kinds()[thing.kind] if each.predicate.startswith(beginning)]
    return Fact(thing, attribute, value)


OPENED = fact(BRIDGE, "was opened in", "1923")
PAINTED = fact(BRIDGE, "is painted", "green")
ARCHES = fact(BRIDGE, "has", "12")
SERVES = fact(INN, "serves", "mint tea")

ABOUT_THE_OPENING = Dialogue(
    context="[agent_1]: When was the Kestrel bridge opened?",
    evidence=(PAINTED, OPENED),
    asked=OPENED,
    foreign=SERVES,
)
