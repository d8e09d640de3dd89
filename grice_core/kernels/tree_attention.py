"""Attention inside each tree of a packed row, and nowhere else.

All trees of a micro-batch follow one another in a single row without padding, so the linear layers
multiply no wasted token. Attention then runs tree by tree under a small mask.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformers import AttentionInterface

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.precision import product_dtype

TREE_ATTENTION = "grice_tree"

SHORT = 384
"""Tokens of a tree whose attention weights are worth keeping for backward."""

_REFUSED = ("softcap", "position_bias", "s_aux")
"""What some architectures pass to their attention and plain scaled dot-products don't have."""


class UnsharableError(Exception):
    """The model asks for something that a tree of responses can't give."""


@dataclass(frozen=True)
class TreeSpan:
    """Where one tree is in the row, and which of its tokens attend to which."""

    start: int
    end: int
    longest: int
    """Tokens of the prompt and the tree's longest response."""
    mask: torch.Tensor
    """(length, length) boolean; true where the row's query attends to the column's key."""

    @property
    def is_short(self) -> bool:
        return self.end - self.start <= SHORT

    @cached_property
    def bias(self) -> torch.Tensor:
        """(length, length) float32: 0 where the mask is true, −∞ elsewhere."""
        return torch.zeros(self.mask.shape).masked_fill_(~self.mask, -math.inf)


def tree_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001  (transformers' signature)
    *,
    scaling: float | None = None,
    tree_spans: tuple[TreeSpan, ...] = (),
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention, tree by tree.

    Shapes: query (1, heads, tokens, dim); key, value (1, key heads, tokens, dim); the result
    (1, tokens, heads, dim), as transformers' attention functions return it.

    Raises: UnsharableError, if the model wants logits capped, biased or given a sink, its window is
    narrower than a tree, or it keeps the spans from its attention.
    """
    if not tree_spans:
        raise UnsharableError("it passes nothing of ours on to its attention")
    refused = [name for name in _REFUSED if kwargs.get(name) is not None]
    if refused:
        raise UnsharableError(f"its attention uses {', '.join(refused)}")
    if sliding_window and any(span.longest > sliding_window for span in tree_spans):
        raise UnsharableError(f"its attention window is {sliding_window} tokens")
    groups = getattr(module, "num_key_value_groups", 1)
    if groups > 1:
        key = key.repeat_interleave(groups, dim=1)
        value = value.repeat_interleave(groups, dim=1)
    if (
        query.device.type == "cpu"
        and all(span.is_short for span in tree_spans)
        and not uses_plain()
    ):
        return _ShortTrees.apply(query, key, value, scaling, tree_spans), None  # type: ignore[no-untyped-call]
    return plain_tree_attention(query, key, value, scaling, tree_spans), None


def plain_tree_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float | None,
    spans: Sequence[TreeSpan],
) -> torch.Tensor:
    """The plain twin: torch's own attention, a tree at a time; also for long trees and on GPUs."""
    parts = [
        torch.nn.functional.scaled_dot_product_attention(
            query[:, :, span.start : span.end],
            key[:, :, span.start : span.end],
            value[:, :, span.start : span.end],
            attn_mask=span.mask,
            scale=scaling,
        )
        for span in spans
    ]
    return torch.cat(parts, dim=2).transpose(1, 2)


class _ShortTrees(torch.autograd.Function):
    """The same by plain matrix products, all trees in one operation.

    On a CPU it takes a third of the time that flash attention takes for short sequences in bf16. Scores and
    softmax are computed in fp32, as there; autocast would round them. Query, key and value may have
    different dtypes (rotary embeddings promote the first two to fp32 under autocast): products run in the
    one that autocast asks for, each gradient has its input's dtype.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        spans: tuple[TreeSpan, ...],
    ) -> torch.Tensor:
        ctx.scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        ctx.spans = spans
        ctx.dtypes = query.dtype, key.dtype, value.dtype
        dtype = product_dtype(value)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
        out = _like_rows(value)
        kept: list[torch.Tensor] = []
        with torch.autocast(query.device.type, enabled=False):
            for span, *parts, out_part in _by_tree(spans, query, key, value, out):
                # What isn't contiguous would be copied at each product, forward and backward.
                q, k, v = (part.contiguous() for part in parts)
                scores = torch.baddbmm(
                    span.bias, q.float(), k.float().transpose(1, 2), alpha=ctx.scale
                )
                weights = scores.softmax(dim=-1).to(v.dtype)
                out_part.copy_(torch.bmm(weights, v))
                kept.extend((q, k, v, weights))
        ctx.save_for_backward(*kept)
        return out.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        kept = ctx.saved_tensors
        grad_out = gradients[0].transpose(1, 2).to(kept[0].dtype)
        dim = kept[0].shape[-1]
        grad_query, grad_key = _like_rows(grad_out, dim), _like_rows(grad_out, dim)
        grad_value = _like_rows(grad_out)
        trees = _by_tree(ctx.spans, grad_out, grad_query, grad_key, grad_value)
        for number, (_, grad_part, grad_q, grad_k, grad_v) in enumerate(trees):
            q, k, v, weights = kept[4 * number : 4 * number + 4]
            g = grad_part.contiguous()
            grad_v.copy_(torch.bmm(weights.transpose(1, 2), g))
            grad_weights = torch.bmm(g, v.transpose(1, 2))
            grad_scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)
            torch.mul(torch.bmm(grad_scores, k), ctx.scale, out=grad_q)
            torch.mul(torch.bmm(grad_scores.transpose(1, 2), q), ctx.scale, out=grad_k)
        grad_inputs = zip((grad_query, grad_key, grad_value), ctx.dtypes, strict=True)
        return (*(gradient.to(dtype) for gradient, dtype in grad_inputs), None, None)


def _by_tree(spans: Sequence[TreeSpan], *rows: torch.Tensor) -> Iterator[tuple[Any, ...]]:
    """Each tree's span and its part of each (1, heads, tokens, dim) tensor, as (heads, tokens, dim)."""
    lengths = [span.end - span.start for span in spans]
    return zip(spans, *(torch.split(row[0], lengths, dim=1) for row in rows), strict=True)


def _like_rows(x: torch.Tensor, dim: int | None = None) -> torch.Tensor:
    """An empty (1, heads, tokens, dim) whose memory is (tokens, heads, dim), as projections have it; with
    x's dim, or another."""
    _, heads, tokens, own = x.shape
    return x.new_empty(1, tokens, heads, dim or own).transpose(1, 2)


AttentionInterface.register(TREE_ATTENTION, tree_attention)
