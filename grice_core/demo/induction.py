"""A GPT-2 that can copy, and notice what is new or said again, before it has learned anything.

An answer repeats words of its evidence, which a transformer does with an *induction head*: find
where the current token stood before, and copy what came after it (arXiv 2209.11895). Ordinarily
such heads form late; a demo has no time for that, so they are laid out by hand, as a starting
point that training is free to change. A quarter of the residual stream is a slot of its own:

    position   where the token stands, as the phases of random frequencies
    token      which token it is, as a random vector: the input and (tied) output embedding
    previous   the same for the token before it
    free       for whatever training finds useful, but for four numbers: FIRST marks the first
               position, ANSWER the tokens after the one that opens the answer, NEW a token that did not
               stand in the text before, AGAIN one that stood in the answer before

    layer 0    head 0 writes `previous`; head 1 writes ANSWER
    layer 1    all heads look for a place whose `previous` is the current `token`. Heads 0 and 1
               add that place's `token`, which raises its logit. Head 2 rests on the first
               position where there is no such place, and then writes NEW. Head 3 wants a place
               in the answer, and writes AGAIN.

NEW gives away a word that the evidence does not have, AGAIN a fact that was said already.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

POSITION, TOKEN, PREVIOUS, FREE = range(4)
FIRST, ANSWER, NEW, AGAIN = range(4)

NOISE = 0.02
"""Standard deviation of everything that is not laid out."""
CODE_SCALE = 0.5
"""Size of one entry of a position's or a token's code."""
PREVIOUS_SHARPNESS = 3.0
MATCH_SHARPNESS = 2.0
ANSWER_SHARPNESS = 10.0
REST_ON_FIRST = {ANSWER: 10.0, NEW: 16.0, AGAIN: 26.0}
"""How strongly a head rests on the first position: less than it is drawn to what it looks for."""
IN_ANSWER = 15.0
"""How strongly head 3 of layer 1 is drawn to places in the answer."""
CARRY_GAIN = 0.3
"""Undoes the first layer norm, so that a code is as long in `previous` as in `token`."""
COPY_GAIN = 1.0
MARK = 2.0
"""Size of FIRST, and roughly of the other numbers."""
ANSWER_GAIN, NUMBER_GAIN = 0.2, 0.5


@torch.no_grad()
def lay_out_induction(model: Any, answer_token: int, generator: torch.Generator) -> None:
    """Initialise a GPT-2 of four heads and at least two layers.

    answer_token: the token id after which the answer begins.
    """
    config = model.config
    if config.n_head != 4 or config.n_layer < 2:
        raise ValueError("needs four heads and at least two layers")
    _fill_with_noise(model, generator)
    size = config.n_embd // 4
    slots = [slice(i * size, (i + 1) * size) for i in range(4)]
    frequencies = torch.rand(size // 2, generator=generator) * math.pi
    codes = CODE_SCALE * torch.randn(config.vocab_size, size, generator=generator)
    transformer = model.transformer
    transformer.wte.weight[:, slots[TOKEN]] = codes
    transformer.wpe.weight[:, slots[POSITION]] = _phases(config.n_positions, frequencies)
    transformer.wpe.weight[0, slots[FREE].start + FIRST] = MARK

    same, heads = torch.eye(size), [_Heads(layer.attn, slots) for layer in transformer.h[:2]]
    at_once = PREVIOUS_SHARPNESS * _one_back(frequencies)
    heads[0].lay_out(0, query=(POSITION, at_once), key=(POSITION, same),
                     value=(TOKEN, same), output=(PREVIOUS, CARRY_GAIN * same))  # fmt: skip
    heads[0].look_for_token(1, codes[answer_token])
    for head in (0, 1):
        heads[1].lay_out(head, query=(TOKEN, MATCH_SHARPNESS * same), key=(PREVIOUS, same),
                         value=(TOKEN, same), output=(TOKEN, COPY_GAIN * same))  # fmt: skip
    heads[1].look_back(2, source=FIRST, result=NEW)
    heads[1].look_back(3, source=ANSWER, result=AGAIN)
    heads[1].attract(3, ANSWER, entry=1, strength=IN_ANSWER)


_Projection = tuple[int, Tensor]
"""A slot of the residual stream, and the (S, S) matrix between it and a head."""


@dataclass(frozen=True)
class _Heads:
    """The heads of one layer; `c_attn` maps to all queries, then all keys, then all values."""

    attention: Any
    slots: list[slice]

    def lay_out(
        self,
        head: int,
        *,
        query: _Projection,
        key: _Projection,
        value: _Projection,
        output: _Projection,
    ) -> None:
        """Set what one head reads and writes."""
        for part, (slot, matrix) in enumerate((query, key, value)):
            columns = self._columns(head, part)
            self.attention.c_attn.weight[:, columns] = 0.0
            self.attention.c_attn.weight[self.slots[slot], columns] = matrix
        slot, matrix = output
        rows = self._columns(head, 0)
        self.attention.c_proj.weight[rows] = 0.0
        self.attention.c_proj.weight[rows, self.slots[slot]] = matrix

    def look_back(self, head: int, *, source: int, result: int) -> None:
        """Look for an earlier place of the token, else for the first position; take a number there."""
        size = self.attention.head_dim
        match = torch.eye(size)
        match[:2, :2] = 0.0  # two entries of queries and keys are for what attracts all tokens
        self.lay_out(head, query=(TOKEN, MATCH_SHARPNESS * match), key=(PREVIOUS, match),
                     value=(FREE, _entry(size, source, 0)),
                     output=(FREE, NUMBER_GAIN * _entry(size, 0, result)))  # fmt: skip
        self.attract(head, FIRST, entry=0, strength=REST_ON_FIRST[result])

    def look_for_token(self, head: int, code: Tensor) -> None:
        """Look for one certain token, else for the first position; write ANSWER if it was found."""
        size = self.attention.head_dim
        towards = torch.zeros(size, size)
        towards[:, 1] = code / code.norm()
        self.lay_out(head, query=(TOKEN, torch.zeros(size, size)), key=(TOKEN, towards),
                     value=(TOKEN, towards),
                     output=(FREE, ANSWER_GAIN * _entry(size, 1, ANSWER)))  # fmt: skip
        self.attention.c_attn.bias[self._columns(head, 0).start + 1] = ANSWER_SHARPNESS
        self.attract(head, FIRST, entry=0, strength=REST_ON_FIRST[ANSWER])

    def attract(self, head: int, number: int, *, entry: int, strength: float) -> None:
        """Draw all queries of a head to places where a number of the free slot is large."""
        query, key = (self._columns(head, part).start + entry for part in (0, 1))
        self.attention.c_attn.bias[query] = math.sqrt(strength)
        self.attention.c_attn.weight[self.slots[FREE].start + number, key] = math.sqrt(strength)

    def _columns(self, head: int, part: int) -> slice:
        """Where the queries (part 0), keys (1) or values (2) of a head stand."""
        size = self.attention.head_dim
        start = part * self.attention.embed_dim + head * size
        return slice(start, start + size)


def _fill_with_noise(model: Any, generator: torch.Generator) -> None:
    """Normal weights, smaller where they add to the stream, as GPT-2's own initialisation."""
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            depth = math.sqrt(2 * model.config.n_layer) if name.endswith("c_proj.weight") else 1.0
            weight.normal_(0.0, NOISE / depth, generator=generator)


def _entry(size: int, row: int, column: int) -> Tensor:
    """(S, S) zeros with a one."""
    matrix = torch.zeros(size, size)
    matrix[row, column] = 1.0
    return matrix


def _phases(num_positions: int, frequencies: Tensor) -> Tensor:
    """(P, 2F): cosines, then sines, of position × frequency."""
    angles = torch.arange(num_positions)[:, None] * frequencies
    return CODE_SCALE * torch.cat([angles.cos(), angles.sin()], dim=1)


def _one_back(frequencies: Tensor) -> Tensor:
    """(2F, 2F) rotation that takes the phases of a position (a row) to those of the one before."""
    cos, sin = torch.diag(frequencies.cos()), torch.diag(frequencies.sin())
    return torch.cat([torch.cat([cos, -sin], dim=1), torch.cat([sin, cos], dim=1)])
