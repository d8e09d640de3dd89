"""A GPT-2 that can copy, and notice what is new, before it has learned anything.

An answer repeats words of its evidence, which a transformer does with an *induction head*: find
where the current token stood before, and copy what came after it (arXiv 2209.11895). Ordinarily
such heads form late; a demo has no time for that, so they are laid out by hand, as a starting
point that training is free to change. A quarter of the residual stream is a slot of its own:

    position   where the token stands, as the phases of random frequencies
    token      which token it is, as a random vector: the input and (tied) output embedding
    previous   the same for the token before it; written by head 0 of layer 0
    free       for whatever training finds useful, but for two numbers: the first position's
               mark, and how new the current token is

Heads 0 and 1 of layer 1 look for the place whose `previous` is the current `token`. Head 0 adds
that place's `token` to the stream, which raises the token's logit. Head 1 says when there is no such place:
it then rests on the first position, and passes its mark on as "this token is new". That is what gives away
a word that the evidence doesn't have.
"""

import math
from typing import Any

import torch
from torch import Tensor

POSITION, TOKEN, PREVIOUS, FREE = range(4)
FIRST, NEW = 0, 1
"""Places of the two numbers in the free slot."""

NOISE = 0.02
"""Standard deviation of everything that is not laid out."""
CODE_SCALE = 0.5
"""Size of one entry of a position's or a token's code."""
PREVIOUS_SHARPNESS = 3.0
MATCH_SHARPNESS = 2.0
CARRY_GAIN = 0.3
"""Undoes the first layer norm, so that a code is as long in `previous` as in `token`."""
COPY_GAIN = 2.0
FIRST_MARK = 2.0
REST_SHARPNESS = 4.0
"""How strongly a token that is new rests on the first position: less than one that isn't finds its match."""
NEW_GAIN = 0.5


@torch.no_grad()
def lay_out_induction(model: Any, generator: torch.Generator) -> None:
    """Initialise a GPT-2 with at least two layers and a head size of a quarter of its width."""
    config = model.config
    size = config.n_embd // config.n_head
    if config.n_embd != 4 * size or config.n_layer < 2:
        raise ValueError("needs four heads and at least two layers")
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            depth = math.sqrt(2 * config.n_layer) if name.endswith("c_proj.weight") else 1.0
            weight.normal_(0.0, NOISE / depth, generator=generator)
    transformer = model.transformer
    slots = [slice(i * size, (i + 1) * size) for i in range(4)]
    frequencies = torch.rand(size // 2, generator=generator) * math.pi
    transformer.wpe.weight[:, slots[POSITION]] = _phases(config.n_positions, frequencies)
    transformer.wpe.weight[0, slots[FREE].start + FIRST] = FIRST_MARK
    codes = torch.randn(config.vocab_size, size, generator=generator)
    transformer.wte.weight[:, slots[TOKEN]] = CODE_SCALE * codes

    first, second = transformer.h[0].attn, transformer.h[1].attn
    same = torch.eye(size)
    _lay_out_head(first, 0, query=(slots[POSITION], PREVIOUS_SHARPNESS * _one_back(frequencies)),
                  key=(slots[POSITION], same), value=(slots[TOKEN], same),
                  output=(slots[PREVIOUS], CARRY_GAIN * same))  # fmt: skip
    _lay_out_head(second, 0, query=(slots[TOKEN], MATCH_SHARPNESS * same),
                  key=(slots[PREVIOUS], same), value=(slots[TOKEN], same),
                  output=(slots[TOKEN], COPY_GAIN * same))  # fmt: skip
    _lay_out_novelty(second, 1, slots)


def _lay_out_novelty(attention: Any, head: int, slots: list[slice]) -> None:
    """A head that rests on the first position where it finds no earlier place of the token."""
    width, size = attention.embed_dim, attention.head_dim
    matching, mark = torch.eye(size), torch.zeros(size, size)
    matching[0, 0] = 0.0  # this entry of queries and keys is for the first position's mark
    mark[FIRST, 0] = 1.0
    _lay_out_head(attention, head, query=(slots[TOKEN], MATCH_SHARPNESS * matching),
                  key=(slots[PREVIOUS], matching), value=(slots[FREE], mark),
                  output=(slots[FREE], NEW_GAIN * mark.T.roll(NEW - FIRST, dims=1)))  # fmt: skip
    attention.c_attn.weight[slots[FREE].start + FIRST, width + head * size] = REST_SHARPNESS
    attention.c_attn.bias[head * size] = REST_SHARPNESS


_Projection = tuple[slice, Tensor]
"""A slot of the residual stream, and the (S, S) matrix between it and a head."""


def _lay_out_head(
    attention: Any,
    head: int,
    *,
    query: _Projection,
    key: _Projection,
    value: _Projection,
    output: _Projection,
) -> None:
    """Set what one head reads and writes; `c_attn` maps to all queries, then keys, then values."""
    width, size = attention.embed_dim, attention.head_dim
    for part, (slot, matrix) in enumerate((query, key, value)):
        start = part * width + head * size
        attention.c_attn.weight[:, start : start + size] = 0.0
        attention.c_attn.weight[slot, start : start + size] = matrix
    slot, matrix = output
    attention.c_proj.weight[head * size : (head + 1) * size] = 0.0
    attention.c_proj.weight[head * size : (head + 1) * size, slot] = matrix


def _phases(num_positions: int, frequencies: Tensor) -> Tensor:
    """(P, 2F): cosines, then sines, of position × frequency."""
    angles = torch.arange(num_positions)[:, None] * frequencies
    return CODE_SCALE * torch.cat([angles.cos(), angles.sin()], dim=1)


def _one_back(frequencies: Tensor) -> Tensor:
    """(2F, 2F) rotation that takes the phases of a position (a row) to those of the one before."""
    cos, sin = torch.diag(frequencies.cos()), torch.diag(frequencies.sin())
    return torch.cat([torch.cat([cos, -sin], dim=1), torch.cat([sin, cos], dim=1)])
