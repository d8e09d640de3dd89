"""How a model writes: batched, one row at a time, or by whole passes, as far as each is exact.

Caches differ more between architectures than anything else: some mix padding into their states, some
count positions from the cache and forget the padding, some have no cache that can be passed on. What is
written must not depend on it, so the fastest way is taken that gives the plain model's log-probabilities.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from grice_core.dpo.encode import Ids
from grice_core.dpo.positions import changes_with_length
from grice_core.dpo.signature import accepted, cache_name
from grice_core.kernels.cache import can_join, join, kept_order, make_room
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import without_prepacking

Decoding = Literal["refilled", "batched", "alone", "whole"]
"""Rows padded on the left with a cache, which others may join; that may only leave; one row at a time with a cache;
one row, all of it for each token."""

TOLERANCE = 5e-4
"""Largest difference of an fp32 log-probability, half of what `generation` assumes …"""
ROUNDING_FACTOR = 4.0
"""… or so many times what the plain model's own differs when the same row stands in a batch twice …"""
LARGEST_TOLERANCE = 5e-3
"""… but no more than this."""
MAX_TRIED = 40
"""New tokens that are tried at most."""

_OWN_WAYS_TO_FAIL = (ValueError, TypeError, RuntimeError, IndexError, AttributeError, KeyError)


class Decoder:
    """Rows in the making: logits of their next tokens, token by token."""

    def __init__(self, model: Any, decoding: Decoding, num_rows: int = 1) -> None:
        """`alone` and `whole` take one row at a time, the others so many."""
        self._model = model
        self._decoding = decoding
        self._num_rows = num_rows
        self._device = next(model.parameters()).device
        self._cache: Any = None
        self._cache_name = cache_name(model) or ""
        self._inputs = self._mask = torch.ones(0, 0, dtype=torch.long, device=self._device)
        self._lengths = torch.zeros(0, dtype=torch.long, device=self._device)

    @property
    def takes_more(self) -> bool:
        """Whether rows can come while there are others."""
        return self._decoding == "refilled" and (self._cache is None or can_join(self._cache))

    def admit(self, prompts: Sequence[Ids]) -> Tensor:
        """(rows, vocabulary) logits of the next token of new rows, which come after the rows that are there.

        A prompt that occurs several times is read once.
        """
        distinct = list(dict.fromkeys(prompts))
        inputs, mask = _left_padded(distinct, self._device)
        output = self._run(inputs, mask, (mask.cumsum(dim=1) - 1).clamp(min=0), None)
        cache = self._cache_of(output)
        if cache is None and self._decoding != "whole":
            raise TypeError("it gives no cache that can be passed on")
        last: Tensor = output.logits[:, -1]
        if len(distinct) < len(prompts):
            places = torch.tensor([distinct.index(each) for each in prompts], device=self._device)
            last, mask = last[places], mask[places]
            cache.reorder_cache(places)
        self._add(cache, inputs, mask)
        return last

    def _add(self, cache: Any, inputs: Tensor, mask: Tensor) -> None:
        lengths = mask.sum(dim=1)
        if not len(self._mask):
            self._cache, self._mask, self._lengths = cache, mask, lengths
            self._inputs = inputs
            if self._decoding != "whole":
                make_room(cache, self._num_rows)
            return
        self._lengths = torch.cat([self._lengths, lengths])
        width = int(self._lengths.max())
        join(self._cache, cache, width)
        self._mask = torch.cat([_aligned(each, width) for each in (self._mask, mask)])

    def step(self, tokens: Sequence[int]) -> Tensor:
        """(rows, vocabulary) logits after one more token of each row."""
        new = torch.tensor([[token] for token in tokens], device=self._device)
        self._mask = torch.cat([self._mask, torch.ones_like(new)], dim=1)
        positions = self._lengths[:, None]
        self._lengths = self._lengths + 1
        if self._decoding == "whole":
            self._inputs = new = torch.cat([self._inputs, new], dim=1)
        output = self._run(new, self._mask, positions, self._cache)
        self._cache = self._cache_of(output)
        last: Tensor = output.logits[:, -1]
        return last

    def keep(self, places: Sequence[int]) -> None:
        """Continue with these rows, in this order."""
        if not places:
            self._cache, self._mask, self._lengths = None, self._mask[:0, :0], self._lengths[:0]
            return
        chosen = torch.tensor(places, device=self._device)
        # Every kind of layer's cache can be reordered; selecting rows fails in hybrid ones.
        self._cache.reorder_cache(chosen)
        self._mask, self._lengths = self._mask[chosen], self._lengths[chosen]

    def _cache_of(self, output: Any) -> Any:
        return getattr(output, self._cache_name, None)

    def _run(self, inputs: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Any:
        known = accepted(self._model, logits_to_keep=1)
        if self._decoding == "whole":
            known |= accepted(self._model, use_cache=False)
        else:
            known |= accepted(self._model, use_cache=True, **{self._cache_name: cache})
        if self._decoding in ("refilled", "batched"):
            known |= accepted(self._model, attention_mask=mask, position_ids=positions)
        return self._model(input_ids=inputs, **known)


@torch.no_grad()
def choose_decoding(
    model: Any, prompts: Sequence[Ids], max_new_tokens: int, *, batches: bool = True
) -> Decoding:
    """The fastest way of writing that gives what whole passes over each row alone give.

    Tried in fp32 on the shortest, the middle and the longest of these prompts, with tokens that are given;
    rows end at different steps.

    Args:
        model: Causal language model, plain or with adapters.
        prompts: Token ids of what it will be asked.
        max_new_tokens: That it will write at most.
        batches: Whether several rows will be written at once.
    """
    by_length = sorted(prompts, key=len)
    rows = list(dict.fromkeys((by_length[0], by_length[len(by_length) // 2], by_length[-1])))
    longest = len(rows[-1]) + max_new_tokens
    if changes_with_length(model.config, len(rows[0]), longest):
        return "whole"
    steps = [min(max_new_tokens, MAX_TRIED) // share for share in (3, 2, 1)][-len(rows) :]
    texts = [_continued(row, max(1, count)) for row, count in zip(rows, steps, strict=True)]
    device = next(model.parameters()).device
    in_bf16 = torch.is_autocast_enabled(device.type)
    packing = without_prepacking() if in_bf16 else nullcontext()
    with torch.autocast(device.type, enabled=False), packing:
        exact = [_whole(model, row, text) for row, text in zip(rows, texts, strict=True)]
        noise = (_whole(model, rows[-1], texts[-1], copies=2) - exact[-1]).abs().max()
        tolerance = min(max(TOLERANCE, ROUNDING_FACTOR * float(noise)), LARGEST_TOLERANCE)
        known = [_Known(*each) for each in zip(rows, texts, exact, strict=True)]
        for decoding, groups in _ways(known, batches=batches):
            if all(_gap(model, group, decoding) <= tolerance for group in groups):
                return decoding
    return "whole"


@dataclass
class DecodingChoice:
    """A way of writing that is chosen for the first of several models which differ by their weights only."""

    decoding: Decoding | None = None

    def of(self, model: Any, prompts: Sequence[Ids], max_new_tokens: int) -> Decoding:
        """Chosen by `choose_decoding`, unless it is known."""
        self.decoding = self.decoding or choose_decoding(model, prompts, max_new_tokens)
        return self.decoding


@dataclass(frozen=True, eq=False)
class _Known:
    """A row, how it is to continue, and the exact log-probabilities of that."""

    prompt: Ids
    text: Ids
    exact: Tensor
    """(tokens, vocabulary)"""

    def first(self, count: int) -> "_Known":
        """Of a text that ends earlier."""
        return replace(self, text=self.text[:count])


_Groups = Sequence[Sequence[_Known]]
"""Rows that come together; each group when a row of the one before has ended."""


def _ways(
    known: Sequence[_Known], *, batches: bool
) -> Iterator[tuple[Decoding, Sequence[_Groups]]]:
    """Ways of writing, the fastest first, and what to try each with."""
    if batches:
        # The longest row ends first, so that those that are left move up.
        longest = known[-1].first(max(1, len(known[-1].text) // 3))
        yield "refilled", [[[*(known[1:-1] or known[:1]), longest], known[:1]]]
        yield "batched", [[known]]
    yield "alone", [[[each]] for each in known]


def _continued(prompt: Ids, count: int) -> Ids:
    """So many tokens to continue with, those of the prompt from its end."""
    return (prompt[::-1] * (count // len(prompt) + 1))[:count]


def _whole(model: Any, prompt: Ids, text: Ids, copies: int = 1) -> Tensor:
    """(tokens, vocabulary) log-probabilities where each token of the text is predicted, by a plain pass."""
    ids = torch.tensor([[*prompt, *text[:-1]]] * copies, device=next(model.parameters()).device)
    with plain_kernels():
        logits = model(input_ids=ids, **accepted(model, use_cache=False)).logits[0]
    found: Tensor = logits[len(prompt) - 1 :].float().log_softmax(dim=-1)
    return found


def _gap(model: Any, groups: _Groups, decoding: Decoding) -> float:
    """Largest difference of a log-probability from the exact ones, each row ending after its text; infinite
    if the model can't write so."""
    if cache_name(model) is None:
        return math.inf
    try:
        gaps = list(_gaps(model, groups, decoding))
    except torch.OutOfMemoryError:
        raise
    except _OWN_WAYS_TO_FAIL:  # caches and masks of its own
        return math.inf
    return max(gaps) if all(map(math.isfinite, gaps)) else math.inf


def _gaps(model: Any, groups: _Groups, decoding: Decoding) -> Iterator[float]:
    """Of each token."""
    decoder = Decoder(model, decoding, max(map(len, groups)))
    coming, rows, tokens = list(groups), list[_Known](), list[int]()
    while coming or rows:
        if coming and len(rows) < len(groups[0]):
            if rows and not decoder.takes_more:
                yield math.inf
                return
            new = coming.pop(0)
            found = decoder.admit([row.prompt for row in new])
            rows, tokens = [*rows, *new], [*tokens, *[0] * len(new)]
        else:
            pairs = zip(rows, tokens, strict=True)
            found = decoder.step([row.text[count - 1] for row, count in pairs])
            new = rows
        at = range(len(rows) - len(new), len(rows))
        exact = torch.stack([rows[place].exact[tokens[place]] for place in at])
        yield float((found.float().log_softmax(dim=-1) - exact).abs().max())
        tokens = [count + (place in at) for place, count in enumerate(tokens)]
        stay = [count < len(row.text) for row, count in zip(rows, tokens, strict=True)]
        if not all(stay):
            kept = kept_order(stay)
            decoder.keep(kept)
            rows, tokens = [rows[n] for n in kept], [tokens[n] for n in kept]


def _left_padded(prompts: Sequence[Ids], device: torch.device) -> tuple[Tensor, Tensor]:
    """(B, L) token ids, padded on the left with 0, and (B, L) mask: 1 where a token is real."""
    width = max(len(prompt) for prompt in prompts)
    ids = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _aligned(mask: Tensor, width: int) -> Tensor:
    """(B, width): cut or padded on the left."""
    return torch.nn.functional.pad(mask, (width - mask.shape[1], 0))
