"""Detectors of a few thousand parameters, made in milliseconds."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    PreTrainedTokenizerFast,
)

from grice_core.detector.load import build_heads
from grice_core.detector.model import MaximHeads
from grice_core.detector.record import DetectorRecord, HeadsArchitecture, Temperatures
from grice_core.detector.weights import write_detector

_TEXT = """[PAD] [UNK] [CLS] [SEP] Context Evidence Response : . , ? ! yes no where do cats dogs sleep
they it is warm the a on in mat sun and or not very old blue agent_1 agent_2 [ ] FS1 one two"""
WORDS = _TEXT.split()
ONE_PER_HEAD = HeadsArchitecture(hidden_widths=(8,))
TWO_PER_HEAD = HeadsArchitecture(hidden_widths=(8, 4))


def tokenizer(max_length: int = 64) -> Any:
    """A tokenizer of whole words and punctuation marks; anything else is [UNK]."""
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(".", "isolated")]
        + [pre_tokenizers.Split(mark, "isolated") for mark in (",", "?", "!", ":", "[", "]")]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=max_length,
    )


def bert_config(**changes: Any) -> BertConfig:
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        **changes,
    )


def deberta_config() -> DebertaV2Config:
    """The shape of DeBERTa-v3, small."""
    return DebertaV2Config(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
    )


def heads(architecture: HeadsArchitecture = ONE_PER_HEAD, config: Any = None) -> MaximHeads:
    """A detector with random weights, large enough that texts get different scores."""
    torch.manual_seed(0)
    model = build_heads(config or bert_config(), architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model.eval()


def write_encoder(folder: Path, config: Any = None) -> Path:
    """A folder with the configuration and tokenizer that a checkpoint goes with."""
    (config or bert_config()).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def write_heads(
    folder: Path, architecture: HeadsArchitecture = ONE_PER_HEAD, **changes: Any
) -> Path:
    """A detector's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {
        "architecture": architecture,
        "max_length": 64,
        "temperatures": Temperatures(quantity=0.5, quality=1.0, relation=1.5, manner=2.0),
        "origin": "made for a test",
        "weights_sha256": "",
    }
    record = DetectorRecord(**{**fields, **changes})
    write_detector(folder, heads(architecture), tokenizer(), record)
    return folder


def write_classifier(folder: Path, labels: tuple[str, ...], **changes: Any) -> Path:
    """A Hugging Face sequence classifier's folder."""
    torch.manual_seed(0)
    names = dict(enumerate(labels))
    config = bert_config(id2label=names, label2id={v: k for k, v in names.items()}, **changes)
    network = BertForSequenceClassification(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    network.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
