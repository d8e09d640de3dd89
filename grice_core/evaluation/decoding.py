"""How a model writes: batched, one row at a time, or by whole passes, as far as each is exact.

Caches differ more between architectures than anything else: some mix padding into their states, some
count positions from the cache and forget the padding, some have no cache that can be passed on. What is
written must not depend on it, so the fastest way is taken that gives the plain model's log-probabilities.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from grice_core.dpo.encode import Ids
from grice_core.dpo.positions import changes_with_length
from grice_core.dpo.signature import accepted, accepts
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import without_prepacking

Decoding = Literal["batched", "alone", "whole"]
"""Rows padded on the left with a cache; one row at a time with a cache; one row, all of it for each token."""

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

    def __init__(self, model: Any, prompts: Sequence[Ids], decoding: Decoding) -> None:
        """`alone` and `whole` take a single row."""
        self._model = model
        self._decoding = decoding
        self._device = next(model.parameters()).device
        self._inputs, self._mask = _left_padded(prompts, self._device)
        self._positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)
        self._cache: Any = None

    def logits(self) -> Tensor:
        """(rows, vocabulary) of each row's next token."""
        output = self._model(input_ids=self._inputs, **self._arguments())
        self._cache = getattr(output, "past_key_values", None)
        if self._cache is None and self._decoding != "whole":
            raise TypeError("it gives no cache that can be passed on")
        last: Tensor = output.logits[:, -1]
        return last

    def append(self, tokens: Sequence[int], kept: Sequence[int]) -> None:
        """Continue with these rows, by their places so far, and a token for each."""
        if len(kept) < len(self._mask):
            places = torch.tensor(kept, device=self._device)
            # Every kind of layer's cache can be reordered; selecting rows fails in hybrid ones.
            self._cache.reorder_cache(places)
            self._mask, self._positions = self._mask[places], self._positions[places]
        new = torch.tensor([[token] for token in tokens], device=self._device)
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(kept), 1)], dim=1)
        self._positions = self._positions[:, -1:] + 1
        self._inputs = torch.cat([self._inputs, new], dim=1) if self._decoding == "whole" else new

    def _arguments(self) -> dict[str, Any]:
        known = accepted(self._model, logits_to_keep=1)
        if self._decoding == "whole":
            return known | accepted(self._model, use_cache=False)
        known |= accepted(self._model, use_cache=True, past_key_values=self._cache)
        if self._decoding == "alone":
            return known
        return known | accepted(
            self._model, attention_mask=self._mask, position_ids=self._positions
        )


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
        if batches and _gap(model, rows, texts, exact, "batched") <= tolerance:
            return "batched"
        alone = zip(rows, texts, exact, strict=True)
        gaps = [_gap(model, [row], [text], [known], "alone") for row, text, known in alone]
        if all(gap <= tolerance for gap in gaps):
            return "alone"
    return "whole"


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


def _gap(
    model: Any,
    rows: Sequence[Ids],
    texts: Sequence[Ids],
    exact: Sequence[Tensor],
    decoding: Decoding,
) -> float:
    """Largest difference of a log-probability from the exact ones, each row ending after its text; infinite
    if the model can't write so."""
    worst = 0.0
    if not accepts(model, "past_key_values"):
        return math.inf
    try:
        decoder = Decoder(model, rows, decoding)
        places = list(range(len(rows)))
        for step in range(max(map(len, texts))):
            found = decoder.logits().float().log_softmax(dim=-1)
            known = torch.stack([exact[place][step] for place in places])
            gap = float((found - known).abs().max())
            worst = max(worst, gap) if math.isfinite(gap) else math.inf
            kept = [n for n, place in enumerate(places) if step + 1 < len(texts[place])]
            places = [places[n] for n in kept]
            if places:
                decoder.append([texts[place][step] for place in places], kept)
    except torch.OutOfMemoryError:
        raise
    except _OWN_WAYS_TO_FAIL:  # caches and masks of its own
        return math.inf
    return worst


def _left_padded(prompts: Sequence[Ids], device: torch.device) -> tuple[Tensor, Tensor]:
    """(B, L) token ids, padded on the left with 0, and (B, L) mask: 1 where a token is real."""
    width = max(len(prompt) for prompt in prompts)
    ids = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
