"""The demo's base model: a small GPT-2 that has read good and bad answers alike."""

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
WIDTH = 128
FIT = FitSettings(num_steps=800, learning_rate=3e-3)
IGNORED = -100


def new_base_model(tokenizer: Any, seed: int) -> Any:
    """An untrained GPT-2 (0.8 million parameters) that can copy already."""
    eos = tokenizer.eos_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=NUM_POSITIONS,
        n_embd=WIDTH,
        n_layer=3,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GPT2LMHeadModel(config)
    opening = tokenizer(f"\n\n{INSTRUCTION}")["input_ids"][-1]
    lay_out_induction(model, opening, torch.Generator().manual_seed(seed))
    return model


def fit_base_model(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: FitSettings = FIT,
    progress: Progress = silent,
) -> list[float]:
    """Teach it to continue prompts with answers like these; returns the loss of each step."""

    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        ids, targets = batch
        logits = model(input_ids=ids).logits[:, :-1]
        return functional.cross_entropy(
            logits.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=IGNORED
        )

    batches = _batches(tokenizer, examples, settings)
    return fit(model, batches, loss_of, settings, task="base model", progress=progress)


def _batches(
    tokenizer: Any, examples: Sequence[Example], settings: FitSettings
) -> Iterator[tuple[Tensor, Tensor]]:
    """(B, L) token ids and targets; padding on the right is no target."""
    texts = [f"{one.dialogue.prompt} {one.answer.text}{tokenizer.eos_token}" for one in examples]
    ids = tokenizer(texts)["input_ids"]
    for batch in batches_of_like_length([len(row) for row in ids], settings):
        rows = [torch.tensor(ids[index]) for index in batch]
        padded = pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
        yield padded, padded.masked_fill(padded == tokenizer.pad_token_id, IGNORED)
