"""Tiny models, a tokenizer and pairs for the trainer's tests."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.examples import StageExamples
from grice_core.dpo.loss import maxim_weights
from grice_core.recipes.config import LoraSettings, MaximWeights, StageConfig

LETTERS = "abcdefghijklmnopqrstuvwxyz .,:?!"
EOS = "<eos>"


LOSSES = (
    {"loss_type": "dpo"},
    {"loss_type": "ipo"},
    {"loss_type": "robust", "label_smoothing": 0.2},
    {"loss_type": "sigmoid_norm"},
    {"loss_type": "dpo", "sft_weight": 0.3},
)
"""Settings of every loss that there is, once with an SFT term."""


def name_of_loss(settings: dict[str, object]) -> str:
    return "+".join([str(settings["loss_type"]), *(["sft"] if "sft_weight" in settings else [])])


def tokenizer(**special_tokens: str) -> PreTrainedTokenizerFast:
    """One token per character, so that lengths can be counted by eye."""
    words = {EOS: 0} | {letter: number for number, letter in enumerate(LETTERS, 1)}
    inner = Tokenizer(WordLevel(words, unk_token=EOS))
    inner.pre_tokenizer = Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, **({"eos_token": EOS} | special_tokens))


def gpt2(dropout: float = 0.0) -> PreTrainedModel:
    torch.manual_seed(0)
    return _spread(
        GPT2LMHeadModel(
            GPT2Config(
                vocab_size=33,
                n_positions=128,
                n_embd=32,
                n_layer=2,
                n_head=4,
                resid_pdrop=dropout,
                embd_pdrop=dropout,
                attn_pdrop=dropout,
                bos_token_id=0,
                eos_token_id=0,
            )
        )
    )


def llama() -> PreTrainedModel:
    return architecture("llama")


def architecture(model_type: str, **changes: object) -> PreTrainedModel:
    """A two-layer model of any type that names its sizes as Llama does."""
    sizes = {
        "vocab_size": 33,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 0,
    }
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **(sizes | changes))
    return _spread(AutoModelForCausalLM.from_config(config))


def base(model: PreTrainedModel) -> BaseModel:
    return BaseModel("tiny", copy.deepcopy(model), tokenizer())


def stage(**changes: object) -> StageConfig:
    """A stage that learns fast enough to be seen, without dropout."""
    settings = {
        "name": "stage1",
        "weights": MaximWeights(quantity=1, relation=1),
        "lora": LoraSettings(r=4, alpha=8, dropout=0.0),
        "learning_rate": 5e-3,
        "beta": 0.1,
        "epochs": 1,
    }
    return StageConfig.model_validate(settings | changes)


def table(*texts: tuple[str, str, str], first_row: int = 1) -> PairTable:
    """Unscored pairs of (prompt, chosen, rejected), their rows counted from `first_row`."""
    columns = pa.table(dict(zip(TEXT_FIELDS, zip(*texts, strict=True), strict=True)))
    unscored = np.full((len(texts), 4), np.nan)
    rows = np.arange(first_row, first_row + len(texts))
    return PairTable(columns, unscored, unscored, rows, extras=columns.select([]))


def encoded_pairs(num_pairs: int, seed: int = 0) -> tuple[EncodedPair, ...]:
    """Random pairs, every third with the prompt of the one before."""
    draw = np.random.default_rng(seed)

    def ids(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.integers(1, 33, draw.integers(least, most + 1)).tolist())

    pairs: list[EncodedPair] = []
    for row in range(1, num_pairs + 1):
        prompt = pairs[-1].prompt if row % 3 == 0 else ids(3, 20)
        pairs.append(EncodedPair(row, prompt, (*ids(1, 8), 0), (*ids(1, 8), 0)))
    return tuple(pairs)


def examples(num_train: int, num_heldout: int = 4, seed: int = 0) -> StageExamples:
    """Random pairs with random data margins, the last ones held out."""
    config = stage()
    pairs = encoded_pairs(num_train + num_heldout, seed)
    margins = np.random.default_rng(seed).uniform(-1, 1, (len(pairs), 4))
    return StageExamples(
        pairs=pairs,
        margins=margins,
        shares=maxim_weights(margins, config.weights.as_array(), config.min_margin),
        train=np.arange(num_train),
        watched={"heldout": np.arange(num_train, len(pairs))},
    )


def opposed(num_train: int) -> StageExamples:
    """The same pairs to learn and to watch, and as many that an earlier stage wants the other way round, which
    differ on manner alone."""
    both = examples(num_train, num_heldout=num_train)
    own = both.pairs[:num_train]
    turned = [replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in own]
    both.margins[:num_train] = [0.9, 0.0, 0.9, 0.0]
    both.margins[num_train:] = [0.0, 0.0, 0.0, 0.9]
    return replace(
        both,
        pairs=(*own, *turned),
        watched={"heldout": both.train, "retention/stage0": both.train + num_train},
    )


@contextmanager
def memory_for(model: PreTrainedModel, num_tokens: int) -> Iterator[None]:
    """The model on a device that runs out of memory in any pass over more tokens than this."""

    def forward(_module, _args, inputs):
        if inputs["input_ids"].numel() > num_tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    handle = model.register_forward_pre_hook(forward, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _spread(model: PreTrainedModel) -> PreTrainedModel:
    """Weights far enough from zero that different inputs give clearly different outputs."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()
