"""Dropout of one rank's part of a pass: what one process would draw for the whole pass, cut out.

one process       rank 0        rank 1
p p a b q c d     p p a b       q c d         tokens of a packed row
1 0 1 1 0 1 1     1 0 1 1       0 1 1         what is kept of them
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from peft import PeftModel
from torch import Tensor, nn

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.ending import last_feed_forward
from grice_core.dpo.lean import BulkDropout
from grice_core.dpo.logps import Passes
from grice_core.dpo.trees import Tree, separate_trees, shared_trees


@dataclass(frozen=True)
class Window:
    """Where a part of a pass lies in the whole of it."""

    shape: tuple[int, int]
    """(rows, tokens) of the whole pass."""
    rows: slice
    tokens: slice

    @property
    def part(self) -> tuple[int, int]:
        """(rows, tokens) of the part."""
        return self.rows.stop - self.rows.start, self.tokens.stop - self.tokens.start

    def cut(self, places: Tensor, width: int) -> Tensor:
        """Places among the part's elements of those places of the whole, (rows, tokens, width) flat,
        that lie in it."""
        tokens, elements = places // width, places % width
        rows, columns = tokens // self.shape[1], tokens % self.shape[1]
        inside = (rows >= self.rows.start) & (rows < self.rows.stop)
        inside &= (columns >= self.tokens.start) & (columns < self.tokens.stop)
        part = (rows - self.rows.start) * self.part[1] + columns - self.tokens.start
        cut: Tensor = (part * width + elements)[inside]
        return cut


@dataclass(frozen=True)
class Part:
    """Some pairs of a pass, run apart from the others."""

    window: Window
    """Of its tokens."""
    ending: Window
    """Of those that the last layer's feed-forward part sees."""


def part_of_pass(pairs: Sequence[EncodedPair], own: Sequence[int], passes: Passes) -> Part:
    """These positions of a pass over `pairs`; they are one of its `shares`."""
    before = [pairs[position] for position in range(own[0])]
    mine = [pairs[position] for position in own]
    if passes == "shared":

        def window(count: Callable[[Tree], int]) -> Window:
            start, length, every = (
                sum(map(count, shared_trees(some))) for some in (before, mine, pairs)
            )
            return Window((1, every), slice(0, 1), slice(start, start + length))

        return Part(window(lambda t: t.num_tokens), window(lambda t: t.num_predicting))
    first, rows = len(separate_trees(before)), separate_trees(mine)
    every = separate_trees(pairs)
    width = max(tree.num_tokens for tree in rows)
    whole = Window(
        (len(every), max(tree.num_tokens for tree in every)),
        slice(first, first + len(rows)),
        slice(0, width),
    )
    return Part(whole, whole)


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
        factors: Tensor = self.whole(x.new_ones((*window.shape, x.shape[-1])))
        return x * factors[window.rows, window.tokens]


class WindowBulkDropout(BulkDropout):
    """The same for the dropout that is drawn in bulk."""

    window: Window | None = None

    def places(self, num_elements: int) -> Tensor:
        """Ascending places of the dropped ones among the part's elements."""
        rows, tokens = self.window.part if self.window else (1, 1)
        width, others = divmod(num_elements, rows * tokens)
        if self.window is None or others:
            return super().places(num_elements)
        every = super().places(math.prod(self.window.shape) * width)
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
