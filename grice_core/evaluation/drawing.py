"""Drawing the next token: the nucleus, and noise that every model shares.

**Common random numbers.** The noise of a token depends on (seed, prompt, sample, position, token) and
on nothing else: no shared stream, no batch, no model. Two models that answer the same prompt meet
the same noise, so that differences between their answers come from the models.

**Why the Gumbel trick.** `argmax(log p + Gumbel noise)` is an exact draw from p. Against inverting
the cumulative distribution with one uniform number per position it couples two models more tightly:
a small change of p moves the draw only if it overtakes the winner, whereas one probability that
changes early in the vocabulary shifts the cumulative sum of all that follow. Noise is needed only
for the tokens of the nucleus, so it costs next to nothing.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from grice_core.data.pairs import BoolArray, IntArray
from grice_core.errors import ModelError
from grice_core.evaluation.sampling import Sampling

KeyArray = npt.NDArray[np.uint64]

FIRST_CANDIDATES = 64
"""How many of the most probable tokens are looked at first; eightfold while the nucleus is larger."""
MOST_CANDIDATES = 4096
"""A nucleus of more tokens is not looked at as a whole."""
FIRST_WINNERS = 4
"""How many of the highest scores are looked at first then; fourfold while none can be drawn."""


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


def gumbel_noise(keys: KeyArray, position: int, tokens: IntArray) -> npt.NDArray[np.float64]:
    """(B, K) standard Gumbel noise of these (B, K) tokens, or (1, K) for all rows, at this position, one of
    (B,) keys per row.

    Counter-based: a number is the hash of its place, computed on its own and alike on every machine.

    Source: SplitMix64 (Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195).
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    at_position = _mix(keys + np.full_like(keys, position + 1) * step)
    bits = _mix(at_position[:, None] + (tokens.astype(np.uint64) + np.uint64(1)) * step)
    bits >>= np.uint64(11)
    noise = bits.astype(np.float64)
    noise += 0.5
    noise *= 2.0**-53  # uniform: never 0, never 1
    for _ in range(2):
        np.negative(np.log(noise, out=noise), out=noise)
    return noise


def draw(
    logits: Tensor, keys: KeyArray, position: int, sampling: Sampling, tolerance: float = 0.0
) -> Draw:
    """Draw each row's next token from its nucleus.

    The nucleus holds every token whose strictly more probable tokens have less than `top_p`
    together, so that equally probable tokens are in or out together.

    Args:
        logits: (B, V), any floating type.
        keys: (B,) from `noise_keys`.
        position: How many tokens each row has drawn before.
        sampling: Temperature and top-p.
        tolerance: A draw counts as settled if no change of the log-probabilities below half of this
            could change it.

    Raises:
        ModelError: The logits are not numbers.
    """
    log_probs = _log_probs(logits, sampling.temperature)
    candidates = _by_probability(log_probs, sampling.top_p + tolerance, tolerance)
    if candidates is None:
        candidates = _by_score(log_probs, keys, position, sampling.top_p, tolerance)
    scores = candidates.log_probs + _noise(keys, position, candidates.tokens)
    inside = candidates.above < sampling.top_p
    possibly = candidates.well_above < sampling.top_p + tolerance
    surely = candidates.nearly_above < sampling.top_p - tolerance

    best = scores.masked_fill(~inside, -torch.inf).argmax(dim=-1, keepdim=True)
    rivals = scores.masked_fill(~possibly, -torch.inf).scatter(-1, best, -torch.inf)
    lead = scores.gather(-1, best) - rivals.max(dim=-1, keepdim=True).values
    settled = surely.gather(-1, best) & (lead > tolerance)
    return Draw(candidates.tokens.gather(-1, best)[:, 0].numpy(), settled[:, 0].numpy())


@dataclass(frozen=True, eq=False)
class _Candidates:
    """K tokens per row, one of which is drawn, and how much probability stands above each."""

    tokens: Tensor
    """(B, K)"""
    log_probs: Tensor
    """(B, K)"""
    above: Tensor
    """(B, K) probability of the more probable tokens."""
    well_above: Tensor
    """(B, K) the same, of those more probable by more than the tolerance."""
    nearly_above: Tensor
    """(B, K) the same, and of the others that are less probable by at most the tolerance."""


def _log_probs(logits: Tensor, temperature: float) -> Tensor:
    """(B, V) in fp64 on the CPU."""
    scaled = logits.detach().float() / temperature
    total = scaled.logsumexp(dim=-1, keepdim=True)
    if not bool(torch.isfinite(total).all()):
        raise ModelError(
            "the model's logits are not numbers: it can't be evaluated; "
            "if it was trained just now, train again with a lower learning rate"
        )
    return (scaled.double() - total.double()).cpu()


def _by_probability(log_probs: Tensor, mass: float, tolerance: float) -> _Candidates | None:
    """The most probable tokens, which hold at least this mass; None if it takes very many.

    Found without sorting the vocabulary, which would cost more than a small model's forward pass.
    """
    num_tokens = log_probs.shape[-1]
    count = min(FIRST_CANDIDATES, num_tokens)
    while count <= max(MOST_CANDIDATES, FIRST_CANDIDATES):
        top = log_probs.topk(count, dim=-1)
        well_above = _mass_above(top.values, tolerance)
        if count == num_tokens or bool((well_above[:, -1] >= mass).all()):
            return _Candidates(
                tokens=top.indices,
                log_probs=top.values,
                above=_mass_above(top.values, 0.0),
                well_above=well_above,
                nearly_above=_mass_above(top.values, -tolerance),
            )
        # The rest is at most as probable as what was seen last: so many more are needed at least.
        seen, least = top.values.exp().sum(dim=-1), top.values[:, -1].exp()
        missing = float(((mass - seen) / least).max())
        count = int(min(max(8 * count, count + missing), num_tokens))
    return None


def _by_score(
    log_probs: Tensor, keys: KeyArray, position: int, top_p: float, tolerance: float
) -> _Candidates:
    """The tokens with the highest log-probability + noise, enough to hold the best of the nucleus.

    Where the nucleus is most of the vocabulary, almost every high score lies in it, so summing what
    stands above a few of them is far cheaper than sorting everything.
    """
    num_tokens = log_probs.shape[-1]
    scores = log_probs + _noise(keys, position, torch.arange(log_probs.shape[-1])[None])
    probs = log_probs.exp()
    count = FIRST_WINNERS
    while True:
        tokens = scores.topk(min(count, num_tokens), dim=-1).indices
        chosen = log_probs.gather(-1, tokens)
        above = _mass_where(probs, log_probs, chosen, torch.gt)
        candidates = _Candidates(
            tokens=tokens,
            log_probs=chosen,
            above=above,
            well_above=_mass_where(probs, log_probs, chosen + tolerance, torch.gt)
            if tolerance
            else above,
            nearly_above=_mass_where(probs, log_probs, chosen - tolerance, torch.ge) - chosen.exp(),
        )
        # The winner, and the best of its rivals, who may lie on the other side of a close border.
        enough = (candidates.above < top_p).sum(dim=-1) >= 2
        if count >= num_tokens or bool(enough.all()):
            return candidates
        count *= 4


def _noise(keys: KeyArray, position: int, tokens: Tensor) -> Tensor:
    return torch.from_numpy(gumbel_noise(keys, position, tokens.numpy()))


def _mass_where(
    probs: Tensor, log_probs: Tensor, bounds: Tensor, compare: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """(B, K) probability of all tokens whose log-probability compares so with each bound."""
    columns = [
        (probs * compare(log_probs, bound[:, None])).sum(dim=-1) for bound in bounds.unbind(dim=-1)
    ]
    return torch.stack(columns, dim=-1)


def _mass_above(log_probs: Tensor, by: float) -> Tensor:
    """(B, K) probability of the *other* tokens that are more probable by more than `by`.

    With a negative `by`, also of those that are less probable by at most |by|. Rows fall.
    """
    rising = -log_probs
    probs = log_probs.exp()
    up_to = torch.nn.functional.pad(probs.cumsum(dim=-1), (1, 0))
    if by >= 0:
        return up_to.gather(-1, torch.searchsorted(rising, rising - by))
    return up_to.gather(-1, torch.searchsorted(rising, rising - by, right=True)) - probs


def _mix(bits: KeyArray) -> KeyArray:
    """In place: a vocabulary's worth of rows is too much to have several times over."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    bits ^= bits >> np.uint64(31)
    return bits
