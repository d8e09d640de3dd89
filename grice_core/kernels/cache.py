"""Keys and values of a batch's earlier tokens, in place: tokens are added, rows leave and others come.

transformers' cache copies all of them for each new token and for each row that ends. Here they have room to
grow. Rows are aligned at their last token; the attention mask has to hide what precedes a row's first token.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.memory import apart

GROWTH = 96
"""Tokens for which room is made at a time."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, (rows, heads, tokens, width) each, at the beginning of larger tensors."""

    def __init__(self, layer: DynamicLayer, num_rows: int) -> None:
        """Take over a layer's; with room for so many rows."""
        super().__init__()
        self.is_initialized = True
        self.dtype, self.device = layer.keys.dtype, layer.keys.device
        self._num_rows = max(num_rows, len(layer.keys))
        self._show((layer.keys, layer.values))
        self._make_room(self.keys.shape[-2] + GROWTH)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Add tokens to all rows."""
        before = self.keys.shape[-2]
        width = before + key_states.shape[-2]
        if width > self._rooms[0].shape[-2]:
            self._make_room(width + GROWTH)
        rows = len(key_states)
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[:rows, :, before:width] = new
        self._show(room[:rows, :, :width] for room in self._rooms)
        return self.keys, self.values

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows, in this order; fast if each stays where it is or takes the place of one that goes."""
        places = beam_idx.tolist()
        moves = [(to, place) for to, place in enumerate(places) if to != place]
        if {to for to, _ in moves} & set(places):
            super().reorder_cache(beam_idx)
            self._make_room(self._rooms[0].shape[-2])
            return
        for to, place in moves:
            for part in (self.keys, self.values):
                part[to] = part[place]
        self._show(part[: len(places)] for part in (self.keys, self.values))

    def join(self, other: DynamicLayer, width: int) -> None:
        """Take in another layer's rows; all have so many tokens then, the last ones."""
        rows = len(self.keys)
        if width != self.keys.shape[-2]:
            self._show(_aligned(part, width) for part in (self.keys, self.values))
            self._make_room(width + GROWTH)
        if rows + len(other.keys) > self._num_rows:
            self._num_rows = rows + len(other.keys)
            self._make_room(self._rooms[0].shape[-2])
        everyone = slice(rows, rows + len(other.keys))
        for room, new in zip(self._rooms, (other.keys, other.values), strict=True):
            room[everyone, :, : max(0, width - new.shape[-2])] = 0  # masked, but 0 · NaN is NaN
            taken = min(width, new.shape[-2])
            room[everyone, :, width - taken : width] = new[:, :, -taken:]
        self._show(room[: everyone.stop, :, :width] for room in self._rooms)

    def _make_room(self, width: int) -> None:
        """Move to tensors for so many tokens."""
        rooms = []
        for part in (self.keys, self.values):
            rows, heads, tokens, size = part.shape
            with apart():  # among what a token's pass takes and frees, it would leave gaps
                room = part.new_empty(self._num_rows, heads, width, size)
            room[:rows, :, :tokens] = part
            rooms.append(room)
        self._rooms = rooms
        rows, _, tokens, _ = self.keys.shape
        self._show(room[:rows, :, :tokens] for room in rooms)

    def _show(self, parts: Any) -> None:
        self.keys, self.values = parts


def can_join(cache: Any) -> bool:
    """Whether rows can be put into this cache: every layer holds all keys and values of its rows, and
    nothing else."""
    return isinstance(cache, DynamicCache) and all(
        type(layer) in (DynamicLayer, RoomyLayer) and layer.is_initialized for layer in cache.layers
    )


def make_room(cache: Any, num_rows: int) -> None:
    """Let such a cache's layers grow in place, for so many rows; its plain twin copies."""
    if can_join(cache) and not uses_plain():
        for place, layer in enumerate(cache.layers):  # in turn, so that not all are there twice
            cache.layers[place] = RoomyLayer(layer, num_rows)


def join(cache: Any, other: Any, width: int) -> None:
    """Put the rows of one cache behind those of another; each shows its last `width` tokens then, or zeros
    before its first."""
    for layer, coming in zip(cache.layers, other.layers, strict=True):
        if isinstance(layer, RoomyLayer):
            layer.join(coming, width)
        else:
            _join_plain(layer, coming, width)


def _join_plain(layer: DynamicLayer, other: DynamicLayer, width: int) -> None:
    """The plain twin."""
    layer.keys = torch.cat([_aligned(each.keys, width) for each in (layer, other)])
    layer.values = torch.cat([_aligned(each.values, width) for each in (layer, other)])


def _aligned(part: Tensor, width: int) -> Tensor:
    """(rows, heads, width, size): the last tokens, zeros before the first."""
    return torch.nn.functional.pad(part, (0, 0, width - part.shape[-2], 0))


def kept_order(stay: Sequence[bool]) -> list[int]:
    """Places of the rows that stay, in an order for which few move: the last ones take the places of those
    that go."""
    kept = [place for place, stays in enumerate(stay) if stays]
    late = iter(place for place in kept if place >= len(kept))
    return [place if stay[place] else next(late) for place in range(len(kept))]
