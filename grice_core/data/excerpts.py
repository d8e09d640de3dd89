"""Texts shortened to what a reader of a table looks for: what differs, and what was searched."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grice_core.data.word_diff import Piece

_SAMPLE = 2_000
_LEAD = 40
"""Characters before the first hit."""
_LONG_WORD = 20
_IN_SIGHT = 80
"""Characters that a narrow cell shows without scrolling."""


@dataclass(frozen=True)
class Frame:
    """What most texts of a kind begin and end with."""

    head: str = ""
    tail: str = ""

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Frame":
        """Of the first texts; whole words only."""
        some = texts[:_SAMPLE]
        if len(set(some)) < 2:
            return cls()
        head = _common_head(some)
        tail = _common_head([text[len(head) :][::-1] for text in some])[::-1]
        return cls(re.sub(r"\S+$", "", head), re.sub(r"^\S+", "", tail))

    def inside(self, text: str) -> str:
        """What is between head and tail, where a text has them."""
        if len(text) < len(self.head) + len(self.tail):
            return text
        return text.removeprefix(self.head).removesuffix(self.tail)


def _common_head(texts: Sequence[str]) -> str:
    """What all of them begin with: whatever the first and the last in order share."""
    low, high = min(texts), max(texts)
    same = (place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b)
    return low[: next(same, min(len(low), len(high)))]


def excerpt(text: str, words: str, limit: int, *, keep_end: bool = False) -> tuple[Piece, ...]:
    """A text of at most about `limit` characters, in which the words that were searched are marked.

    It begins shortly before the first hit; without one at the beginning, or, with `keep_end`, so late
    that its end is there.
    """
    text = " ".join(text.split())
    found = re.search(re.escape(words), text, re.IGNORECASE) if words else None
    start = 0
    if found is not None:
        start = max(found.start() - _LEAD, 0) if found.end() > _IN_SIGHT else 0
    elif keep_end:
        start = max(len(text) - limit, 0)
    start = _word_at(text, start)
    shown = text[start : start + limit]
    before = "… " if start else ""
    after = " …" if start + limit < len(text) else ""
    return tuple(mark_hits(f"{before}{shown}{after}", words))


def _word_at(text: str, start: int) -> int:
    """Where the first whole word from here begins, if one does soon."""
    space = text.find(" ", start, start + _LONG_WORD) if start else -1
    return space + 1 if space >= 0 else start


def mark_hits(text: str, words: str) -> Iterator[Piece]:
    """A text in pieces; those that are the words, in whatever case, are marked."""
    end = 0
    for hit in re.finditer(re.escape(words), text, re.IGNORECASE) if words else ():
        if hit.start() > end:
            yield Piece(text[end : hit.start()], differs=False)
        yield Piece(hit[0], differs=True)
        end = hit.end()
    if end < len(text) or not text:
        yield Piece(text[end:], differs=False)
