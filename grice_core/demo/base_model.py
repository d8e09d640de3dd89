"""The demo's base model: a small GPT-2 that learned to read, then fell into bad habits.

First it reads cooperative answers only, which teach it within minutes to find what was asked and to
copy it. What it says wrongly after that is a habit and no lack of skill, so that preferences can
undo it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import GPT2Config, GPT2LMHeadModel

from grice_core.demo.corpus import Example
from grice_core.demo.dialogue import INSTRUCTION
from grice_core.demo.induction import lay_out_induction
from grice_core.demo.training import FitSettings, batches_of_like_length, fit
from grice_core.progress import Progress, silent

NUM_POSITIONS = 256
WIDTH, NUM_LAYERS, NUM_HEADS = 192, 4, 4
READING = FitSettings(num_steps=500, learning_rate=2e-3)
HABITS = FitSettings(num_steps=400, learning_rate=1e-3)
PROMPT_WEIGHT = 0.1
"""Of a prompt's token in the loss, where an answer's has 1: most of a prompt can't be foreseen."""


def new_base_model(tokenizer: Any, seed: int) -> Any:
    """An untrained GPT-2 (2.1 million parameters) that can copy already."""
    eos = tokenizer.eos_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=NUM_POSITIONS,
        n_embd=WIDTH,
        n_layer=NUM_LAYERS,
        n_head=NUM_HEADS,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GPT2LMHeadModel(config)
    lay_out_induction(model, _opening(tokenizer), torch.Generator().manual_seed(seed))
    return model


def fit_base_model(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: FitSettings,
    *,
    task: str,
    progress: Progress = silent,
) -> list[float]:
    """Teach it to continue prompts with answers like these; returns the loss of each step."""

    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        ids, weights = batch
        logits = model(input_ids=ids).logits[:, :-1].float()
        losses = functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        return (losses * weights[:, 1:]).sum() / weights[:, 1:].sum()

    batches = _batches(tokenizer, examples, settings)
    return fit(model, batches, loss_of, settings, task=task, progress=progress)


def _batches(
    tokenizer: Any, examples: Sequence[Example], settings: FitSettings
) -> Iterator[tuple[Tensor, Tensor]]:
    """(B, L) token ids and their weights in the loss; padding on the right has none."""
    texts = [f"{one.dialogue.prompt} {one.answer.text}{tokenizer.eos_token}" for one in examples]
    ids = tokenizer(texts)["input_ids"]
    opening = _opening(tokenizer)
    for batch in batches_of_like_length([len(row) for row in ids], settings):
        weights = [_weights(ids[index], opening) for index in batch]
        rows = [torch.tensor(ids[index]) for index in batch]
        padded = pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
        yield padded, pad_sequence(weights, batch_first=True)


def _opening(tokenizer: Any) -> int:
    """The token after which the answer begins."""
    return int(tokenizer(f"\n\n{INSTRUCTION}")["input_ids"][-1])


def _weights(ids: list[int], opening: int) -> Tensor:
    """(L,) weights in the loss of a prompt's and its answer's tokens."""
    weights = torch.ones(len(ids))
    weights[: ids.index(opening) + 1] = PROMPT_WEIGHT
    return weights
