"""The four Gricean maxims, in the order that every array of this project uses."""

from enum import StrEnum


class Maxim(StrEnum):
    """One of Grice's four maxims of conversation (Logic and Conversation, 1975)."""

    QUANTITY = "quantity"
    QUALITY = "quality"
    RELATION = "relation"
    MANNER = "manner"

    @property
    def column(self) -> int:
        """Column of this maxim in every (N, 4) array."""
        return MAXIMS.index(self)


MAXIMS: tuple[Maxim, ...] = tuple(Maxim)
