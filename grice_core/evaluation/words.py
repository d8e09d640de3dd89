"""Words of answers: how many, whether a phrase is said over and over, how varied they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import gammaln

from grice_core.data.pairs import FloatArray, IntArray

_TIMES = 3
"""A phrase said so often in a row is degenerate repetition."""
_SHORTEST = 2
"""Words of such a phrase."""


def words_of(text: str) -> list[str]:
    """What white space separates."""
    return text.split()


def is_repetitive(text: str) -> bool:
    """Whether some phrase of two or more words is said at least three times in a row.

    Source: Holtzman et al. 2020 (arXiv 1904.09751) count such phrases at the end of a text; here anywhere,
    since an answer that was cut may end within the phrase.
    """
    words = words_of(text)
    most = Counter(pairwise(words)).most_common(1)
    if (
        not most or most[0][1] < _TIMES
    ):  # no two words are thrice beside each other, so no phrase is
        return False
    periods = range(_SHORTEST, len(words) // _TIMES + 1)
    return any(_longest_run(words, period) >= (_TIMES - 1) * period for period in periods)


def _longest_run(words: Sequence[str], period: int) -> int:
    """Most words in a row that equal the word `period` places before them."""
    longest = run = 0
    for before, word in zip(words, words[period:], strict=False):
        run = run + 1 if before == word else 0
        longest = max(longest, run)
    return longest


@dataclass(frozen=True, eq=False)
class NGrams:
    """How often each n-gram stands in the answers to each of M prompts."""

    prompts: IntArray
    """(E,) prompt of each pair of prompt and n-gram that occurs."""
    grams: IntArray
    """(E,) n-gram of the same, numbered from 0."""
    counts: IntArray
    """(E,) how often."""
    num_prompts: int
    """M."""

    @property
    def sizes(self) -> IntArray:
        """(M,) n-grams of each prompt's answers."""
        sizes: IntArray = np.bincount(self.prompts, self.counts, self.num_prompts).astype(np.int64)
        return sizes

    @property
    def num_comparable(self) -> int:
        """N-grams that are left whichever prompt is left out."""
        sizes = self.sizes
        return int(sizes.sum() - sizes.max())


def ngrams(answers: Sequence[Sequence[str]], n: int) -> NGrams:
    """Count the n-grams of words, in lower case, within answers.

    Args:
        answers: The k answers to each of M prompts.
    """
    numbers: dict[tuple[str, ...], int] = {}
    found: Counter[tuple[int, int]] = Counter()
    for prompt, texts in enumerate(answers):
        for text in texts:
            words = words_of(text.lower())
            for gram in zip(*(words[start:] for start in range(n)), strict=False):
                found[prompt, numbers.setdefault(gram, len(numbers))] += 1
    pairs = np.array(list(found), dtype=np.int64).reshape(-1, 2)
    counts = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    return NGrams(pairs[:, 0], pairs[:, 1], counts, len(answers))


def distinct(found: NGrams, size: int) -> tuple[float, FloatArray]:
    """Distinct n-grams among `size` drawn from all without replacement, over `size`; and without each prompt.

    Distinct-n falls as texts grow, since fewer and fewer n-grams are new; drawing as many from every model
    (rarefaction) compares them at equal length. The expectation is exact: nothing is drawn.

    Args:
        size: At most `num_comparable`, above 0.

    Returns:
        Distinct-n; (M,) distinct-n when one prompt is left out.

    Source: Li et al. 2016 (arXiv 1510.03055); rarefaction: Hurlbert 1971 (doi 10.2307/1934145).
    """
    totals = np.bincount(found.grams, found.counts).astype(np.int64)
    sizes = found.sizes
    times, how_many = np.unique(totals, return_counts=True)
    left = sizes.sum() - sizes
    value = float(_expected(times, sizes.sum(), size) @ how_many)
    without = _expected(times[None, :], left[:, None], size) @ how_many
    # What the prompt itself said stands less often in the rest, or no longer at all.
    total, rest = totals[found.grams], left[found.prompts]
    less = _expected(total, rest, size) - _expected(total - found.counts, rest, size)
    without -= np.bincount(found.prompts, less, found.num_prompts)
    return value / size, without / size


def _expected(times: IntArray, total: IntArray | np.int64, size: int) -> FloatArray:
    """Chance that an n-gram which stands `times` times among `total` is among `size` drawn ones."""
    others = np.asarray(total - times, dtype=np.float64)
    enough = others >= size
    others = np.where(enough, others, size)
    log_missed = (
        gammaln(others + 1)
        - gammaln(others - size + 1)
        - gammaln(total + 1.0)
        + gammaln(total - size + 1.0)
    )
    chance: FloatArray = np.where(enough, -np.expm1(np.minimum(log_missed, 0.0)), 1.0)
    return chance
