"""Drawing the next token: the nucleus, and noise that every model shares.

**Common random numbers.** The noise of a token depends on (seed, prompt, sample, position, token) and
on nothing else: no shared stream, no batch, no model. Two models that answer the same prompt meet
the same noise, so that differences between their answers come from the models.

**Why the Gumbel trick.** `argmax(log p + Gumbel noise)` is an exact draw from p. Against inverting
the cumulative distribution with one uniform number per position it couples two models more tightly:
a small change of p moves the draw only if it overtakes the winner, whereas one probability that
changes early in the vocabulary shifts the cumulative sum of all that follow.

**Why it is cheap.** Noise is −log(−log u) of a uniform number u, so a token scores t or more only if
1 − u ≤ p·e⁻ᵗ. That takes a token's random bits and one comparison, and about e⁻ᵗ tokens of a vocabulary pass
it. Only theirs is turned into noise, and only of the best of them is it asked whether the nucleus holds it.
"""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.errors import ModelError
from grice_core.evaluation.sampling import Sampling

BitArray = npt.NDArray[np.uint64]
KeyArray = BitArray
SingleArray = npt.NDArray[np.float32]

LIKELY = 1e-5
"""Less probable tokens are looked at only where the others don't hold the nucleus."""
FEW = 0.25
"""Share of a vocabulary that is worth picking out."""
LOWEST_SCORES = (-2.0, -8.0, -40.0)
"""Tokens that score less are left out at first. The best of all scores less than −2 once in 1,600 draws; the most
probable one never less than −17, even of a million tokens."""
SLACK = 1e-3
"""Relative: far more than rounding errors of what only says which tokens are looked at."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Draw:
    """The next token of B rows."""

    tokens: IntArray
    """(B,) the drawn token of each row."""
    settled: BoolArray
    """(B,) whether the same token is drawn whatever rounding errors up to half the tolerance do."""


def noise_keys(seed: int, prompts: Sequence[str], sample: int = 0) -> KeyArray:
    """(N,) 64-bit key of each prompt's own noise."""
    texts = (f"{seed}\x1f{sample}\x1f{prompt}" for prompt in prompts)
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def gumbel_noise(keys: KeyArray, position: int, tokens: IntArray) -> FloatArray:
    """(B, K) standard Gumbel noise of these (B, K) tokens at this position, one of (B,) keys per row.

    Counter-based: a number is the hash of its place, computed on its own and alike on every machine.

    Source: SplitMix64 (Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195).
    """
    offsets = (tokens.astype(np.uint64) + np.uint64(1)) * _STEP
    return _gumbel(_mix(_at_position(keys, position)[:, None] + offsets))


def draw(
    logits: Tensor,
    keys: KeyArray,
    position: int | IntArray,
    sampling: Sampling,
    tolerance: float = 0.0,
) -> Draw:
    """Draw each row's next token from its nucleus.

    The nucleus holds every token whose strictly more probable tokens have less than `top_p`
    together, so that equally probable tokens are in or out together.

    Args:
        logits: (B, V), any floating type.
        keys: (B,) from `noise_keys`.
        position: How many tokens each row has drawn before; (B,) if they differ.
        sampling: Temperature and top-p.
        tolerance: A draw counts as settled if no change of the log-probabilities below half of this
            could change it.

    Raises:
        ModelError: The logits are not numbers.
    """

    def of_row(logits: SingleArray, key: np.uint64) -> tuple[int, bool]:
        log_probs, probs = _probabilities(logits, sampling.temperature)
        return _Row.of(log_probs, probs, key, sampling.top_p, tolerance).draw()

    rows = logits.detach().float().cpu().numpy()
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        tokens, settled = zip(*threads.map(of_row, rows, _at_position(keys, position)), strict=True)
    return Draw(np.array(tokens, dtype=np.int64), np.array(settled, dtype=bool))


def _probabilities(logits: SingleArray, temperature: float) -> tuple[SingleArray, SingleArray]:
    """(V,) log-probabilities and probabilities of one row, which stays in the processor's cache."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scaled = logits / np.float32(temperature)
    largest = scaled.max()
    if not np.isfinite(largest):
        raise ModelError(
            "the model's logits are not numbers: it can't be evaluated; "
            "if it was trained just now, train again with a lower learning rate"
        )
    scaled -= largest
    probs = np.exp(scaled)
    total = probs.sum()
    scaled -= np.log(total)
    probs /= total
    return scaled, probs


@dataclass(eq=False)
class _Row:
    """One row's tokens that may be drawn, and those that are more probable than any of them."""

    log_probs: SingleArray
    """(K,)"""
    probs: SingleArray
    """(K,)"""
    tokens: IntArray | None
    """(K,) which they are; None: all."""
    bits: BitArray
    """(K,) random."""
    top_p: float
    tolerance: float

    @classmethod
    def of(
        cls,
        log_probs: SingleArray,
        probs: SingleArray,
        key: np.uint64,
        top_p: float,
        tolerance: float,
    ) -> "_Row":
        """Of (V,) log-probabilities; a nucleus of few tokens is picked out."""
        offsets = _offsets(len(probs))
        likely = probs >= LIKELY
        if np.count_nonzero(likely) <= FEW * len(probs):
            tokens = np.flatnonzero(likely)
            few = probs[tokens]
            if few.sum(dtype=np.float64) >= top_p + tolerance + SLACK:
                bits = _mix(offsets[tokens] + key)
                return cls(log_probs[tokens], few, tokens, bits, top_p, tolerance)
        return cls(log_probs, probs, None, _mix(offsets + key), top_p, tolerance)

    def draw(self) -> tuple[int, bool]:
        """A token, and whether it is settled."""
        for lowest in LOWEST_SCORES:
            places, scores = self._scoring(lowest)
            for place, score in zip(places, scores, strict=True):
                if score - self.tolerance < lowest:
                    break
                if self._above(place) < self.top_p:
                    token = place if self.tokens is None else self.tokens[place]
                    return int(token), self._is_settled(place, score, places, scores)
        raise AssertionError("the most probable token is in the nucleus")

    def _scoring(self, lowest: float) -> tuple[IntArray, FloatArray]:
        """Tokens that score so much at least, and perhaps some more, the best first; and their scores."""
        places = self._that_may_score(lowest)
        most = self.probs[places] * np.float32(2.0**53 * math.exp(-lowest) * (1 + SLACK))
        most = np.minimum(most, np.float32(2.0**53), out=most).astype(np.int64)
        places = places[(~self.bits[places] >> np.uint64(11)).view(np.int64) <= most]
        scores = self.log_probs[places].astype(np.float64) + _gumbel(self.bits[places])
        order = np.argsort(-scores)
        return places[order], scores[order]

    def _that_may_score(self, lowest: float) -> IntArray:
        """Those, found by two comparisons with one number each: few tokens are more probable than `usual`,
        and as few of the others have the bits for it."""
        usual = math.sqrt(math.exp(lowest) / len(self.probs))
        share = usual * math.exp(-lowest) * (1 + SLACK)
        if share >= FEW:
            return np.arange(len(self.probs))
        return np.flatnonzero((self.probs > usual) | (self.bits >= np.uint64(2**64 * (1 - share))))

    def _is_settled(self, drawn: int, score: float, places: IntArray, scores: FloatArray) -> bool:
        """Whether it is well inside of the nucleus, and no token that may be in there comes close."""
        if self._nearly_above(drawn) >= self.top_p - self.tolerance:
            return False
        close = places[scores >= score - self.tolerance]
        return not any(
            self._above(place, self.tolerance) < self.top_p + self.tolerance
            for place in close[close != drawn]
        )

    def _above(self, place: int, by: float = 0.0) -> float:
        """Probability of the tokens that are more probable by more than this."""
        return self._sum(self.log_probs > self.log_probs[place] + by)

    def _nearly_above(self, place: int) -> float:
        """The same, and of the others that are less probable by at most the tolerance."""
        near = self.log_probs >= self.log_probs[place] - self.tolerance
        return self._sum(near) - float(self.probs[place])

    def _sum(self, mask: BoolArray) -> float:
        """Of probabilities; not by BLAS, which has threads of its own."""
        return float(np.einsum("i,i", self._probs64, mask.astype(np.float64)))

    @cached_property
    def _probs64(self) -> FloatArray:
        """(K,) so that sums of many are exact enough."""
        return self.probs.astype(np.float64)


@lru_cache(maxsize=4)
def _offsets(vocabulary: int) -> BitArray:
    """(V,) by which the bits of a vocabulary's tokens differ before they are mixed."""
    return np.arange(1, vocabulary + 1, dtype=np.uint64) * _STEP


def _at_position(keys: KeyArray, position: int | IntArray) -> KeyArray:
    return _mix(keys + (np.full_like(keys, position) + np.uint64(1)) * _STEP)


def _gumbel(bits: BitArray) -> FloatArray:
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53  # never 0, never 1
    noise: FloatArray = -np.log(-np.log(uniform))
    return noise


def _mix(bits: BitArray) -> BitArray:
    """In place."""
    shifted = np.empty_like(bits)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= np.right_shift(bits, np.uint64(shift), out=shifted)
        bits *= np.uint64(factor)
    bits ^= np.right_shift(bits, np.uint64(31), out=shifted)
    return bits
