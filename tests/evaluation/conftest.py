"""Tiny models with opinions: random, but with logits as far apart as a trained model's."""

from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

VOCABULARY = 300
END = VOCABULARY - 1
UNKNOWN = "w0"


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Words w0 … w298 and an end-of-text token; no padding token."""
    words = {f"w{i}": i for i in range(VOCABULARY - 1)} | {"<end>": END}
    fast = Tokenizer(WordLevel(words, unk_token=UNKNOWN))
    fast.pre_tokenizer = Whitespace()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=fast)
    wrapped.add_special_tokens({"eos_token": "<end>"})
    return wrapped


@pytest.fixture
def gpt2() -> Any:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=END,
        eos_token_id=END,
    )
    return _opinionated(GPT2LMHeadModel(config))


@pytest.fixture
def llama() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=END,
    )
    return _opinionated(LlamaForCausalLM(config))


def _opinionated(model: Any) -> Any:
    """Larger weights, so that the next token depends on every token before and on its place."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(8)
    return model.eval()
