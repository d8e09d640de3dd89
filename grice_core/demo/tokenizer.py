"""The demo's tokenizer: byte-level BPE, learned from the demo's own texts."""

from collections.abc import Iterable
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY_SIZE = 1600

END_OF_TEXT, PADDING = "<|endoftext|>", "<|padding|>"


PIECES = Regex(
    r" ?\[agent_\d\]:|\n+Generate a cooperative response:|\nEvidence:|Context:| ?\w+|[^\w\s]|\s+"
)
"""What is never merged with its neighbours; the fixed parts of a prompt become one token each."""


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Learn the merges; the same texts give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(PIECES, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[END_OF_TEXT, PADDING],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fast_tokenizer(tokenizer: Tokenizer) -> Any:
    """As both models use it: it adds nothing to a text."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        pad_token=PADDING,
        clean_up_tokenization_spaces=False,
    )
