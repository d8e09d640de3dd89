"""Dropout of one rank's part of a pass: what one process would draw for the whole pass, cut out.

one process           rank 0      rank 1
p a b q c d e r f     q c d e     p a b r f     tokens of a packed row
1 0 1 1 0 1 1 0 1     1 0 1 1     1 0 1 0 1     what is kept of them
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from peft import PeftModel
from torch import Tensor, nn

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.logps import Passes
from grice_core.dpo.prefix_trees import separate_trees, shared_trees
from grice_core.kernels.dropout import BulkDropout
from grice_core.kernels.last_mlp import last_feed_forward


@dataclass(frozen=True)
class Window:
    """Where the tokens of a part of a pass lie in the whole of it."""

    whole: tuple[int, int]
    """(rows, tokens) of the whole pass."""
    part: tuple[int, int]
    """(rows, tokens) of the part."""
    own: Tensor
    """Ascending places in the whole, flat, of the part's tokens."""

    def cut(self, places: Tensor, width: int) -> Tensor:
        """Places among the part's elements of those places of the whole, (rows, tokens, width) flat,
        that lie in it."""
        tokens = self._in_part[places // width]
        cut: Tensor = (tokens * width + places % width)[tokens >= 0]
        return cut

    @cached_property
    def _in_part(self) -> Tensor:
        """(tokens of the whole,) their places in the part, -1 for those that aren't there."""
        places = self.own.new_full((math.prod(self.whole),), -1)
        places[self.own] = torch.arange(len(self.own), device=self.own.device)
        return places


@dataclass(frozen=True)
class Part:
    """Some pairs of a pass, run apart from the others."""

    window: Window
    """Of its tokens."""
    ending: Window
    """Of those that the last layer's feed-forward part sees."""


def part_of_pass(
    pairs: Sequence[EncodedPair], own: Sequence[int], passes: Passes, device: torch.device
) -> Part:
    """These positions of a pass over `pairs`; they are one of its `shares`."""
    prompts = {pairs[position].prompt for position in own}
    trees = shared_trees(pairs) if passes == "shared" else separate_trees(pairs)
    mine = [tree.prompt in prompts for tree in trees]
    if passes == "separate":
        padded = _rows([tree.num_tokens for tree in trees], mine, device)
        return Part(padded, padded)
    return Part(
        _packed([tree.num_tokens for tree in trees], mine, device),
        _packed([tree.num_predicting for tree in trees], mine, device),
    )


def _packed(lengths: Sequence[int], mine: Sequence[bool], device: torch.device) -> Window:
    """Trees that follow one another in one row."""
    own = torch.tensor(mine, device=device).repeat_interleave(torch.tensor(lengths, device=device))
    return Window((1, len(own)), (1, int(own.sum())), own.nonzero().flatten())


def _rows(lengths: Sequence[int], mine: Sequence[bool], device: torch.device) -> Window:
    """A row for each tree, as wide as the longest; in the part, as its own longest."""
    width = max(lengths)
    part_width = max(length for length, is_mine in zip(lengths, mine, strict=True) if is_mine)
    own = torch.tensor(mine, device=device).nonzero() * width
    own = own + torch.arange(part_width, device=device)
    return Window((len(lengths), width), (len(own), part_width), own.flatten())


class WindowDropout(nn.Module):
    """A dropout that can be told which part of a pass it sees."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole = whole
        self.window: Window | None = None

    def forward(self, x: Tensor) -> Tensor:
        """x (rows, tokens, width) as the whole pass's dropout would leave this part of it."""
        window = self.window
        if not self.training or window is None or x.shape[:-1] != window.part:
            dropped: Tensor = self.whole(x)  # a layer that sees tokens otherwise draws for itself
            return dropped
        factors: Tensor = self.whole(x.new_ones((math.prod(window.whole), x.shape[-1])))
        return x * factors[window.own].view_as(x)


class WindowBulkDropout(BulkDropout):
    """The same for the dropout that is drawn in bulk."""

    window: Window | None = None

    def places(self, num_elements: int) -> Tensor:
        """Ascending places of the dropped ones among the part's elements."""
        rows, tokens = self.window.part if self.window else (1, 1)
        width, others = divmod(num_elements, rows * tokens)
        if self.window is None or others:
            return super().places(num_elements)
        every = super().places(math.prod(self.window.whole) * width)
        return self.window.cut(every, width)


def draw_for_windows(policy: PeftModel) -> None:
    """Let LoRA's dropout know of windows."""
    for module in policy.modules():
        dropouts = getattr(module, "lora_dropout", {})
        for name, dropout in dropouts.items():
            if isinstance(dropout, BulkDropout):
                dropouts[name] = WindowBulkDropout(dropout.p)
            elif isinstance(dropout, nn.Dropout):
                dropouts[name] = WindowDropout(dropout)


@contextmanager
def drawing_for(policy: PeftModel, part: Part) -> Iterator[None]:
    """A pass over this part."""
    dropouts = _dropouts_of(policy)
    for dropout in dropouts:
        dropout.window = part.window
    for dropout in _dropouts_of(last_feed_forward(policy)):
        dropout.window = part.ending
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.window = None


def _dropouts_of(module: nn.Module | None) -> list[WindowDropout | WindowBulkDropout]:
    inside = module.modules() if module else ()
    return [one for one in inside if isinstance(one, WindowDropout | WindowBulkDropout)]
