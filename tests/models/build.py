"""Tiny random models of every architecture in the table, in memory or in a folder."""

import copy
from dataclasses import fields
from pathlib import Path
from string import ascii_lowercase

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from tests.models.architectures import ARCHITECTURES
from tests.models.architectures.entry import SIZES, VOCABULARY, Architecture

END_IDS = tuple(range(0, VOCABULARY, 12))
"""Every twelfth token ends a text, so that the rows of a batch end early, at different steps."""

SPECIAL = ("<0>", "<1>", "<2>")
"""The tokenizer's first tokens; a configuration says which of them begins, ends and fills a text."""

READ_BY_ALL = ("per_layer_config",)
"""Fields that every configuration takes without declaring them."""


def build(name: str, seed: int = 0) -> PreTrainedModel:
    """The architecture of this name, in fp32, for evaluation; the same seed gives the same weights."""
    entry = ARCHITECTURES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config(entry), dtype=torch.float32)
        if entry.spread is not None:
            _spread(model, entry.spread)
    model.generation_config.eos_token_id = sorted({*END_IDS, _special_ids(model.config)["eos"]})
    return model.eval()


def write(name: str, folder: Path, seed: int = 0) -> None:
    """The model and a tokenizer for it, as a folder that can be a base."""
    model, whole = build(name, seed), config(ARCHITECTURES[name])
    model.save_pretrained(folder)
    if not isinstance(model.config, type(whole)):  # transformers took a part of it
        whole.save_pretrained(folder)
    tokenizer(model.config).save_pretrained(folder)


def config(entry: Architecture) -> PreTrainedConfig:
    """The entry's configuration.

    Raises: ValueError, if the type does not know one of the entry's own fields.
    """
    kind = CONFIG_MAPPING[entry.model_type]
    known = {field.name for field in fields(kind)} | {*kind.attribute_map, *READ_BY_ALL}
    if unknown := entry.fields.keys() - known:
        raise ValueError(f"{entry.name}: its configuration knows no {', '.join(sorted(unknown))}")
    values: dict[str, object] = {}
    for group in (SIZES, *entry.groups, entry.fields):
        for key in group.keys() & known:
            values[kind.attribute_map.get(key, key)] = _plain(group[key])
    return AutoConfig.for_model(entry.model_type, **values)


def tokenizer(settings: PreTrainedConfig) -> PreTrainedTokenizerFast:
    """Bytes and pairs of letters: at most as many tokens as every model has embeddings for."""
    pairs = [(left, right) for left in "Ġ" + ascii_lowercase for right in ascii_lowercase]
    tokens = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, pairs)]
    inner = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, pairs))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    named = {f"{role}_token": SPECIAL[number] for role, number in _special_ids(settings).items()}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **named)


def _special_ids(settings: PreTrainedConfig) -> dict[str, int]:
    """By role; 0 where the type doesn't say, and none where it says that there is none."""
    text = settings.get_text_config(decoder=True)
    ids = {role: getattr(text, f"{role}_token_id", 0) for role in ("bos", "eos", "pad")}
    return {role: number for role, number in ids.items() if number is not None}


def _plain(value: object) -> object:
    """An entry inside an entry becomes the part's configuration."""
    return config(value).to_dict() if isinstance(value, Architecture) else copy.deepcopy(value)


def _spread(model: PreTrainedModel, deviation: float) -> None:
    """Let every weight matter, without touching what a type drew with a meaning.

    Matrices get clearly larger numbers; vectors of one repeated number (biases, norms) some noise. What is
    neither (time constants, decays, slopes), what is never trained (sinusoids, corrections of routers) and every
    buffer stay as the type has drawn them.
    """
    with torch.no_grad():
        for parameter in filter(lambda parameter: parameter.requires_grad, model.parameters()):
            if parameter.ndim >= 2 and _is_centred(parameter):
                parameter.normal_(std=deviation)
            elif parameter.numel() and (parameter == parameter.flatten()[0]).all():
                parameter.add_(0.1 * torch.randn_like(parameter))


def _is_centred(matrix: Tensor) -> bool:
    """Whether its numbers lie around 0, as those of a drawn or empty matrix do."""
    return bool(matrix.mean().abs() <= 0.5 * matrix.std())
