"""Per-rank slices of the dropout mask that a single process would sample.

one process           rank 0      rank 1
p a b q c d e r f     q c d e     p a b r f     tokens of a packed row
1 0 1 1 0 1 1 0 1     1 0 1 1     1 0 1 0 1     dropout mask
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
from grice_core.kernels.last_mlp import last_mlp


@dataclass(frozen=True)
class TokenSlice:
    """Which tokens of a whole pass a rank's part of it holds."""

    whole: tuple[int, int]
    """(rows, tokens) of the whole pass."""
    part: tuple[int, int]
    """(rows, tokens) of the part."""
    index: Tensor
    """(tokens of the part,) ascending flat indices of its tokens in the whole pass."""

    def of(self, elements: Tensor, width: int) -> Tensor:
        """Flat indices in the part of those elements of the whole pass, flat indices into (rows, tokens,
        width), that are in it."""
        tokens = self._in_part[elements // width]
        inside: Tensor = (tokens * width + elements % width)[tokens >= 0]
        return inside

    @cached_property
    def _in_part(self) -> Tensor:
        """(tokens of the whole,) flat indices in the part, −1 for tokens that are not in it."""
        index = self.index.new_full((math.prod(self.whole),), -1)
        index[self.index] = torch.arange(len(self.index), device=self.index.device)
        return index


@dataclass(frozen=True)
class PassSlices:
    """A rank's part of a pass."""

    tokens: TokenSlice
    last_mlp: TokenSlice
    """Of the tokens that the last layer's MLP sees, where it sees only some (`kernels/last_mlp.py`)."""


def pass_slices(
    pairs: Sequence[EncodedPair], own: Sequence[int], passes: Passes, device: torch.device
) -> PassSlices:
    """The part of a pass over `pairs` that holds those at positions `own`, which is one of its `shares`."""
    prompts = {pairs[position].prompt for position in own}
    trees = shared_trees(pairs) if passes == "shared" else separate_trees(pairs)
    mine = [tree.prompt in prompts for tree in trees]
    if passes == "separate":
        padded = _padded([tree.num_tokens for tree in trees], mine, device)
        return PassSlices(padded, padded)
    return PassSlices(
        _packed([tree.num_tokens for tree in trees], mine, device),
        _packed([tree.num_predicting for tree in trees], mine, device),
    )


def _packed(lengths: Sequence[int], mine: Sequence[bool], device: torch.device) -> TokenSlice:
    """Trees that follow one another in one row."""
    own = torch.tensor(mine, device=device).repeat_interleave(torch.tensor(lengths, device=device))
    return TokenSlice((1, len(own)), (1, int(own.sum())), own.nonzero().flatten())


def _padded(lengths: Sequence[int], mine: Sequence[bool], device: torch.device) -> TokenSlice:
    """A row for each tree, as wide as the longest; in the part, as its own longest."""
    width = max(lengths)
    part_width = max(length for length, is_mine in zip(lengths, mine, strict=True) if is_mine)
    own = torch.tensor(mine, device=device).nonzero() * width
    own = own + torch.arange(part_width, device=device)
    return TokenSlice((len(lengths), width), (len(own), part_width), own.flatten())


def sliced_dropout(x: Tensor, p: float, tokens: TokenSlice | None) -> Tensor:
    """torch's dropout of x (rows, tokens, width): the slice of the mask that it samples for a whole pass."""
    if tokens is None or x.shape[:-1] != tokens.part:  # a layer that sees tokens otherwise
        return nn.functional.dropout(x, p)
    factors = nn.functional.dropout(x.new_ones((math.prod(tokens.whole), x.shape[-1])), p)
    return x * factors[tokens.index].view_as(x)


class SlicedDropout(nn.Module):
    """torch's dropout for a rank's part of a pass."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        """Share that is dropped."""
        self.tokens: TokenSlice | None = None
        """What the next passes hold; None: whole passes."""

    def forward(self, x: Tensor) -> Tensor:
        """x as the whole pass's dropout would leave this part of it."""
        return sliced_dropout(x, self.p, self.tokens) if self.training else x


class SlicedBulkDropout(BulkDropout):
    """The same for `BulkDropout`."""

    tokens: TokenSlice | None = None

    def plain(self, x: Tensor) -> Tensor:
        """The plain twin."""
        return sliced_dropout(x, self.p, self.tokens)

    def sample(self, num_elements: int) -> Tensor:
        """(dropped,) ascending indices of the elements to drop among the part's."""
        rows, tokens = self.tokens.part if self.tokens else (1, 1)
        width, rest = divmod(num_elements, rows * tokens)
        if self.tokens is None or rest:
            return super().sample(num_elements)
        every = super().sample(math.prod(self.tokens.whole) * width)
        return self.tokens.of(every, width)


def slice_dropout(policy: PeftModel) -> None:
    """Replace LoRA's dropout by one that can be given slices."""
    for module in policy.modules():
        dropouts = getattr(module, "lora_dropout", {})
        for name, dropout in dropouts.items():
            if isinstance(dropout, BulkDropout):
                dropouts[name] = SlicedBulkDropout(dropout.p)
            elif isinstance(dropout, nn.Dropout):
                dropouts[name] = SlicedDropout(dropout.p)


@contextmanager
def dropping_slices(policy: PeftModel, slices: PassSlices) -> Iterator[None]:
    """Passes that hold this part of a whole one."""
    dropouts = _sliced_dropouts(policy)
    for dropout in dropouts:
        dropout.tokens = slices.tokens
    for dropout in _sliced_dropouts(last_mlp(policy)):
        dropout.tokens = slices.last_mlp
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.tokens = None


def _sliced_dropouts(module: nn.Module | None) -> list[SlicedDropout | SlicedBulkDropout]:
    inside = module.modules() if module else ()
    return [one for one in inside if isinstance(one, SlicedDropout | SlicedBulkDropout)]
