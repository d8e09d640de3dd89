"""The names that a file may use for the fields we know."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import chain

from grice_core.data.bounds import shortened
from grice_core.data.pairs import TEXT_FIELDS
from grice_core.errors import DataError
from grice_core.maxims import Maxim

SIDES = ("chosen", "rejected")

TEXT_SPELLINGS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "context"),
    "chosen": ("chosen", "chosen_response"),
    "rejected": ("rejected", "rejected_response"),
}
"""First the standard name; where a row has a value under several, the first one counts."""

ROW_FIELDS = frozenset(chain.from_iterable(TEXT_SPELLINGS.values())) | {
    "preferred_output",
    "instruction",
    "question",
    "fields",
    "messages",
    "conversations",
    "completions",
    "generations",
    "annotations",
    "answers",
    "turns",
}
"""Fields by which an object is a row itself, also where it holds lists of objects."""


class UnknownFieldsError(DataError):
    """A file lacks fields that pairs need, or has them under other names."""

    def __init__(self, found: str, way_on: str) -> None:
        self.found = found
        """What is missing and what is there, without the way on that only commands have."""
        super().__init__(f"{found}{way_on}")


def score_object_name(side: str) -> str:
    """The field that holds a side's four scores as one object: `chosen_scores`."""
    return f"{side}_scores"


def score_spellings(side: str, maxim: Maxim) -> tuple[str, ...]:
    """The flat fields that may hold one score, in lower case: `chosen_quantity`, `chosen_scores.quantity`, …"""
    joints = (".", "_", "/", "__")
    return (f"{side}_{maxim}", *(f"{side}_scores{joint}{maxim}" for joint in joints))


def require_fields(name: str, found: Collection[str], fields: Iterable[str] = TEXT_FIELDS) -> None:
    """Check that each of the fields stands in a file under one of its names.

    Raises:
        UnknownFieldsError: one does not; names what was found, and the nearest of it.
    """
    missing = [field for field in fields if not set(TEXT_SPELLINGS[field]) & set(found)]
    if not missing:
        return
    if not found:
        raise DataError(f"{name} holds no objects with fields; write each pair as {{…}}")
    wanted = ", ".join(" or ".join(map(repr, TEXT_SPELLINGS[field])) for field in missing)
    listed = ", ".join(repr(shortened(field)) for field in list(found)[:12])
    more = ", …" if len(found) > 12 else ""
    way_on = _nearest(missing, found) or f"; say which field it is: --map {missing[0]}=FIELD"
    raise UnknownFieldsError(f"{name} has no field {wanted}; it has: {listed}{more}", way_on)


def _nearest(missing: Iterable[str], found: Collection[str]) -> str:
    """A hint at the first found name that looks like one of the missing ones."""
    by_lower_case = {field.strip().lower(): field for field in found}
    for field in missing:
        for spelling in TEXT_SPELLINGS[field]:
            for match in get_close_matches(spelling, by_lower_case, n=1):
                return f"; is {by_lower_case[match]!r} meant to be {spelling!r}?"
    return ""
