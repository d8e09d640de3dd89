"""What differs between two texts, word by word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_WORDS = 1_500
"""Longer texts are not compared, since the work grows with the product of their lengths."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a text."""

    text: str
    differs: bool
    """It has no counterpart in the other text."""


@dataclass(frozen=True)
class WordDiff:
    """Two texts in pieces; joined, the pieces of each give it back."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    is_compared: bool = True
    """False: the texts are too long to be compared, and nothing is marked."""


def diff_words(left: str, right: str) -> WordDiff:
    """Find the words that only one of two texts has, in the order of the texts.

    Words are compared as they are written; white space between two words that differ goes with them.
    """
    words, other_words = _WORD.findall(left), _WORD.findall(right)
    if max(len(words), len(other_words)) > MAX_WORDS:
        return WordDiff((Piece(left, False),), (Piece(right, False),), is_compared=False)
    matcher = SequenceMatcher(None, words, other_words, autojunk=False)
    marked, other_marked = [False] * len(words), [False] * len(other_words)
    for kind, start, stop, other_start, other_stop in matcher.get_opcodes():
        if kind != "equal":
            marked[start:stop] = [True] * (stop - start)
            other_marked[other_start:other_stop] = [True] * (other_stop - other_start)
    return WordDiff(tuple(_pieces(words, marked)), tuple(_pieces(other_words, other_marked)))


def _pieces(words: list[str], marked: list[bool]) -> Iterator[Piece]:
    """Neighbours of one kind joined; a lone space between two marked words is marked with them."""
    spread = [
        mark
        or (
            word.isspace()
            and 0 < index < len(words) - 1
            and marked[index - 1]
            and marked[index + 1]
        )
        for index, (word, mark) in enumerate(zip(words, marked, strict=True))
    ]
    start = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or spread[index] != spread[start]:
            yield Piece("".join(words[start:index]), spread[start])
            start = index
