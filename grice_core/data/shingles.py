"""Texts as sets of shingles, the overlapping runs of their words, by which near-duplicates are found."""

import hashlib
import itertools
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from grice_core.data.pairs import IntArray

NUM_WORDS = 3
"""Of a shingle. One other word of 60 leaves texts 0.9 similar, two 0.8; runs of five, which are usual for
whole documents, would leave them 0.84 and 0.7."""
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Of scripts without spaces: each counts as a word."""
_WORD = re.compile(rf"[^\W_{_IDEOGRAPHS}]+|[{_IDEOGRAPHS}]")
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
"""Odd, so that the order of the words counts."""
_TEXTS_AT_A_TIME = 20_000

Hashes = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class ShingleSets:
    """The shingles of N texts, as hashes of 32 bits.

    Two of a pair's shingles of 100 words each are alike by chance in one of 400,000 pairs.
    """

    hashes: Hashes
    """(T,) of all texts one after another; ascending and distinct within a text."""
    offsets: IntArray
    """(N + 1,) where each text's begin, and the last one's end."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Whatever the case, punctuation and white space; no word, no shingle; few words, one shingle."""
        chunks = list(_hashed(texts))
        sizes = [np.zeros(1, np.int64), *(sizes for _, sizes in chunks)]
        hashes = [np.zeros(0, np.uint32), *(found for found, _ in chunks)]
        return cls(np.concatenate(hashes), np.concatenate(sizes).cumsum())

    def __len__(self) -> int:
        return len(self.offsets) - 1


def folded_words(text: str) -> list[str]:
    """The words of a text without case, punctuation and kinds of characters.

    "It's  HERE." → ["it", "s", "here"]
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _WORD.findall(plain.casefold())


def _hashed(texts: Iterable[str]) -> Iterator[tuple[Hashes, IntArray]]:
    """Of some texts at a time their hashes, and how many are whose."""
    all_texts = iter(texts)
    while chunk := list(itertools.islice(all_texts, _TEXTS_AT_A_TIME)):
        numbers: dict[str, int] = {}
        words = array("q")
        ends = []
        for text in chunk:
            found = folded_words(text)
            if found:  # filled up so that there is one shingle
                found += [""] * (NUM_WORDS - len(found))
            words.extend([numbers.setdefault(word, len(numbers)) for word in found])
            ends.append(len(words))
        vocabulary = np.fromiter(map(_word_hash, numbers), np.uint64, len(numbers))
        yield _of_runs(vocabulary[np.frombuffer(words, np.int64)], np.array(ends))


def _of_runs(words: npt.NDArray[np.uint64], ends: IntArray) -> tuple[Hashes, IntArray]:
    """The distinct hashes of each text's runs, given those of its words."""
    text = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    last = len(words) - NUM_WORDS + 1
    if last <= 0:
        return np.zeros(0, np.uint32), np.zeros(len(ends), np.int64)
    mixed = np.zeros(last, np.uint64)
    for place, odd in enumerate(_MIX):
        mixed += words[place : place + last] * odd  # modulo 2**64
    mixed ^= mixed >> np.uint64(29)
    within = text[:last] == text[NUM_WORDS - 1 :]
    keys = (text[:last].astype(np.uint64) << np.uint64(32)) | (mixed >> np.uint64(32))
    keys = np.sort(keys[within])  # twice as fast as np.unique
    distinct = keys[np.concatenate([keys[:1] == keys[:1], keys[1:] != keys[:-1]])]
    sizes = np.bincount((distinct >> np.uint64(32)).astype(np.int64), minlength=len(ends))
    return distinct.astype(np.uint32), sizes.astype(np.int64)


def _word_hash(word: str) -> int:
    """The same in every process, so that it can be kept on disk."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
