"""Attention over all trees of a pass, forward and backward: tree by tree, as this package has it, under one mask, and
by flex attention, which skips what the mask hides."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.gpu.results import Row, at_most, skipped
from benchmarks.gpu.setting import Setting
from benchmarks.trainer.contenders import give
from benchmarks.trainer.measuring import synchronize
from benchmarks.trainer.work import Size, make_config
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.prefix_trees import shared_trees, tree_mask
from grice_core.kernels.tree_attention import TreeSpan, plain_tree_attention

ROUNDS = 20
"""Of one layer's attention, forward and backward, as many as a pass may have."""
FACTOR = 2.0
"""How many times as far off as the tree by tree way, in bf16 from fp32, another may be."""

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(1, heads, tokens, dim) query, key and value to (1, tokens, heads, dim)."""


@dataclass(frozen=True)
class Trees:
    """Those of one pass, and numbers to attend over."""

    spans: tuple[TreeSpan, ...]
    inputs: tuple[Tensor, Tensor, Tensor]
    """Query, key and value, (1, heads, tokens, dim) each, in fp32."""

    @classmethod
    def of(cls, setting: Setting, size: Size) -> "Trees":
        """As many trees of real pairs as a pass takes."""
        # No weights are needed, so the pairs come with the smallest model.
        work = setting.work("tiny", "bf16", setting.num_pairs, f"attention-{size}")
        given, config = give(work, lambda _: None), make_config(size)
        encoded = encode_pairs(given.table, given.tokenizer, given.work.stage.max_length)
        spans, start = list[TreeSpan](), 0
        for tree in shared_trees(encoded.pairs.values()):
            end = start + tree.num_tokens
            if spans and end > TokenBudget().tokens:
                break
            longest = len(tree.trunk) + max(map(len, tree.branches))
            spans.append(TreeSpan(start, end, longest, tree_mask(tree, given.device)))
            start = end
        heads = config.num_attention_heads
        shape = 1, heads, start, config.hidden_size // heads
        torch.manual_seed(0)
        query, key, value = (torch.randn(shape, device=given.device) for _ in range(3))
        return cls(tuple(spans), (query, key, value))

    @property
    def num_tokens(self) -> int:
        return self.spans[-1].end

    @property
    def mask(self) -> Tensor:
        """(tokens, tokens) boolean, of all trees."""
        mask = self.spans[0].mask.new_zeros(self.num_tokens, self.num_tokens)
        for span in self.spans:
            mask[span.start : span.end, span.start : span.end] = span.mask
        return mask


def measure_attention(setting: Setting, size: Size) -> Iterator[Row]:
    """Milliseconds of a layer, and how far the output and the gradients are from those in fp32."""
    trees = Trees.of(setting, size)
    work = f"{size}, bf16, {len(trees.spans)} trees, {trees.num_tokens:,} tokens"
    exact = _results(_tree_by_tree(trees), trees, torch.float32)
    usual = _off_by(_results(_tree_by_tree(trees), trees), exact)
    for name, make in _WAYS.items():
        if name == _FLEX and setting.rehearse:
            with torch.no_grad():  # forward alone, and uncompiled: that its mask is right
                found = make(trees)(*trees.inputs)
            gap = float((found - exact[0]).abs().max())
            yield at_most(work.replace("bf16", "fp32"), f"{name}: largest difference", gap, 1e-5)
            yield skipped(work, name, "flex attention has no backward on a CPU")
            continue
        started = time.perf_counter()
        attend = make(trees)
        gap = _off_by(_results(attend, trees), exact)
        synchronize(setting.torch_device)
        yield Row(work, f"{name}: until it runs", time.perf_counter() - started, "s")
        yield at_most(work, f"{name}: relative difference", gap, FACTOR * usual)
        yield Row(work, f"{name}: a layer, forward and backward", _ms(attend, trees), "ms")


def _tree_by_tree(trees: Trees) -> Attend:
    return partial(plain_tree_attention, scaling=None, spans=trees.spans)


def _one_mask(trees: Trees) -> Attend:
    mask = trees.mask

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mixed: Tensor = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return mixed.transpose(1, 2)

    return attend


def _flex(trees: Trees) -> Attend:
    mask, device = trees.mask, trees.inputs[0].device

    def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:  # noqa: ARG001  (flex attention's signature)
        return mask[query, key]

    size = len(mask)
    blocks = create_block_mask(sees, None, None, size, size, device=device)
    run: Any = torch.compile(flex_attention) if device.type == "cuda" else flex_attention

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mixed: Tensor = run(query, key, value, block_mask=blocks)
        return mixed.transpose(1, 2)

    return attend


_FLEX = "flex attention"
_WAYS: dict[str, Callable[[Trees], Attend]] = {
    "tree by tree": _tree_by_tree,
    "one mask": _one_mask,
    _FLEX: _flex,
}


def _results(attend: Attend, trees: Trees, dtype: torch.dtype = torch.bfloat16) -> list[Tensor]:
    """The output, and the gradients of query, key and value for its sum of squares; in fp32."""
    inputs = [each.to(dtype, copy=True).requires_grad_() for each in trees.inputs]
    out = attend(*inputs)
    gradients = torch.autograd.grad(out.float().square().sum(), inputs)
    return [each.detach().float() for each in (out, *gradients)]


def _off_by(found: list[Tensor], exact: list[Tensor]) -> float:
    """The largest relative difference of one of them, by norms."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, exact, strict=True))


def _ms(attend: Attend, trees: Trees) -> float:
    device = trees.inputs[0].device
    inputs = [each.to(torch.bfloat16).requires_grad_() for each in trees.inputs]
    gradient = torch.ones_like(attend(*inputs))
    synchronize(device)
    started = time.perf_counter()
    for _ in range(ROUNDS):
        torch.autograd.grad(attend(*inputs), inputs, gradient)
    synchronize(device)
    return (time.perf_counter() - started) / ROUNDS * 1e3
