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

    @property
    def colour(self) -> str:
        """Its own on every page and in every figure."""
        return _PALETTE[self.column % len(_PALETTE)]


_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442")
"""Told apart with any kind of colour-blindness (Okabe and Ito, Color Universal Design, 2008)."""


MAXIMS: tuple[Maxim, ...] = tuple(Maxim)
