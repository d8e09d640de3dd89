"""Attention inside each tree of a packed row, and nowhere else.

All trees of a micro-batch stand behind one another in a single row without padding, so the linear
layers multiply no wasted token. Attention then runs tree by tree under a small mask.
"""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface

from grice_core.dpo.trees import Tree

TREE_ATTENTION = "grice_tree"

_REFUSED = ("softcap", "position_bias", "s_aux")
"""What some architectures pass to their attention and plain scaled dot-products don't have."""


class UnsharableError(Exception):
    """The model asks its attention for something that a tree of responses can't give."""


@dataclass(frozen=True)
class TreeSpan:
    """Where one tree stands in the row, and who sees whom in it."""

    start: int
    end: int
    longest: int
    """Tokens of the prompt and the tree's longest response."""
    mask: torch.Tensor
    """(length, length) boolean; true where the row's query sees the column's key."""


def tree_mask(tree: Tree, device: torch.device) -> torch.Tensor:
    """(length, length) boolean mask: causal, and no branch sees another.

    For a prompt of 2 and responses of 2 and 1 tokens:

        1 . . . .
        1 1 . . .
        1 1 1 . .
        1 1 1 1 .
        1 1 . . 1
    """
    branch = torch.tensor(
        [0] * len(tree.prompt)
        + [number for number, ids in enumerate(tree.responses, 1) for _ in ids],
        device=device,
    )
    visible = (branch[None, :] == 0) | (branch[None, :] == branch[:, None])
    return visible.tril()


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
    **wishes: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention, tree by tree.

    Shapes: query (1, heads, tokens, dim); key, value (1, key heads, tokens, dim); the result
    (1, tokens, heads, dim), as transformers' attention functions return it.

    Raises: UnsharableError, if the model wants logits capped, biased or given a sink, its window is
    narrower than a tree, or it keeps the spans from its attention.
    """
    if not tree_spans:
        raise UnsharableError("it passes nothing of ours on to its attention")
    refused = [name for name in _REFUSED if wishes.get(name) is not None]
    if refused:
        raise UnsharableError(f"its attention uses {', '.join(refused)}")
    if sliding_window and any(span.longest > sliding_window for span in tree_spans):
        raise UnsharableError(f"its attention window is {sliding_window} tokens")
    groups = getattr(module, "num_key_value_groups", 1)
    if groups > 1:
        key = key.repeat_interleave(groups, dim=1)
        value = value.repeat_interleave(groups, dim=1)
    parts = [
        torch.nn.functional.scaled_dot_product_attention(
            query[:, :, span.start : span.end],
            key[:, :, span.start : span.end],
            value[:, :, span.start : span.end],
            attn_mask=span.mask,
            scale=scaling,
        )
        for span in tree_spans
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


AttentionInterface.register(TREE_ATTENTION, tree_attention)
