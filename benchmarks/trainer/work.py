"""What every contender is given: the same pairs, the same random weights, the same settings."""

import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from grice_core.kernels.precision import Precision
from grice_core.pipeline.options import BaseDtype, Checkpointing
from grice_core.recipes.config import StageConfig
from grice_core.recipes.load import load_recipe

SHARED = Path(__file__).parents[3] / "shared" / "data"
NUM_EPOCHS = 2

Size = Literal["tiny", "small", "medium", "llama", "llama-tiny", "llama-small", "llama-1b"]
"""Of GPT-2, or of a Llama with fewer heads of keys than of queries."""
_GPT2 = {
    "tiny": {"n_embd": 64, "n_layer": 2, "n_head": 2},  # vLLM wants heads of 32 at least
    "small": {"n_embd": 768, "n_layer": 12, "n_head": 12},
    "medium": {"n_embd": 1024, "n_layer": 24, "n_head": 16},
}
_LLAMA_NAMES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
)
_LLAMA = {
    "llama-tiny": (64, 128, 2, 2, 1, 50_257),
    "llama-small": (768, 2_048, 12, 12, 4, 50_257),
    "llama": (1_280, 3_456, 24, 20, 4, 50_257),  # half a billion weights
    "llama-1b": (2_048, 8_192, 16, 32, 8, 128_256),  # 1.24 billion weights, as Llama 3.2's
}


@dataclass(frozen=True)
class Work:
    """One stage to be trained."""

    pairs: Path
    """JSON: prompt, chosen, rejected and their scores."""
    num_pairs: int
    size: Size
    precision: Precision
    device: str
    home: Path
    """For whatever a contender caches."""
    base_dtype: BaseDtype = "auto"
    """In which ours holds the weights; others in bf16 if it is bf16 or nf4."""
    gradient_checkpointing: Checkpointing = "auto"
    """Of ours; TRL does it only if this is on."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Of the stage's settings."""

    @property
    def stage(self) -> StageConfig:
        """The guide's first stage; all pairs are kept."""
        stage = load_recipe("content-then-manner").stages[0]
        usual = {"filter": (), "epochs": NUM_EPOCHS, "num_steps": None}
        return stage.model_copy(update={**usual, **self.changes})


@contextmanager
def some_work(num_pairs: int, size: Size, precision: Precision, device: str) -> Iterator[Work]:
    """Work on some pairs, with a home that goes when it is done."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.json"
        write_pairs(pairs, num_pairs, None)
        yield Work(pairs, num_pairs, size, precision, device, Path(folder))


def write_pairs(target: Path, num_pairs: int, source: Path | None) -> str:
    """Write some prompts' pairs of a file, or synthetic ones of like length; says which."""
    source = source or SHARED / "gricebench" / "scored_pairs.json"
    if source.is_file():
        pairs = _of_whole_prompts(json.loads(source.read_text(encoding="utf-8")), num_pairs)
        origin = f"real pairs of {source.name}, by whole prompts"
    else:
        pairs = list(itertools.islice(_synthetic_pairs(), num_pairs))
        origin = "synthetic pairs"
    target.write_text(json.dumps(pairs), encoding="utf-8")
    return origin


def make_tokenizer() -> Any:
    """GPT-2's where it is, otherwise one of whole words."""
    if (SHARED / "gpt2-tokenizer").is_dir():
        return AutoTokenizer.from_pretrained(SHARED / "gpt2-tokenizer", pad_token="<|endoftext|>")
    words = {f"w{number}": number for number in range(5000)} | {"<eos>": 5000}
    backend = Tokenizer(models.WordLevel(words, unk_token="<eos>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>", pad_token="<eos>")


def shape_of(size: Size) -> str:
    """In words."""
    return "Llama, half a billion parameters" if size == "llama" else f"GPT-2 {size}"


def make_config(size: Size) -> Any:
    """Of a shape."""
    if size in _GPT2:
        return GPT2Config(**_GPT2[size])
    sizes = dict(zip(_LLAMA_NAMES, _LLAMA[size], strict=True))
    return LlamaConfig(**sizes, tie_word_embeddings=True, bos_token_id=None, eos_token_id=None)


def make_model(size: Size, device: torch.device) -> Any:
    """A shape with random weights, the same every time on the same kind of device."""
    torch.manual_seed(0)
    with device:  # drawing a billion of them on a CPU takes half a minute
        kind = GPT2LMHeadModel if size in _GPT2 else LlamaForCausalLM
        return kind(make_config(size)).eval()


def save_model(size: Size, device: torch.device, folder: Path) -> None:
    """Write it and a tokenizer as a base model's folder; best in a process of its own, whose memory goes with it."""
    make_model(size, device).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)


def _of_whole_prompts(pairs: Sequence[Any], num_pairs: int) -> list[Any]:
    """The pairs of some prompts, in their order; the last prompt's perhaps not all.

    Single pairs from all over a file would have hardly a prompt in common, and so be another work than
    the whole: a reference pass over all 1,970 real pairs shares prompts down to 100 tokens a pair, over every
    15th of them it takes 148, over 128 chosen here 106.
    """
    places: dict[str, list[int]] = {}
    for place, pair in enumerate(pairs):
        places.setdefault(pair["prompt"], []).append(place)
    order = np.random.default_rng(0).permutation(len(places))
    groups = list(places.values())
    some = itertools.chain.from_iterable(groups[number] for number in order)
    return [pairs[place] for place in sorted(itertools.islice(some, num_pairs))]


def _synthetic_pairs() -> Any:
    """Pairs of random words, as many as GPT-2 makes tokens of the real ones."""
    draw = np.random.default_rng(0)
    scores = dict.fromkeys(("quantity", "quality", "relation", "manner"), 0.1)
    while True:
        lengths = draw.integers(60, 150), draw.integers(10, 50), draw.integers(10, 50)
        texts = [" ".join(f"w{n}" for n in draw.integers(0, 5000, length)) for length in lengths]
        yield dict(zip(("prompt", "chosen", "rejected"), texts, strict=True)) | {
            "chosen_scores": scores,
            "rejected_scores": scores | {"quantity": 0.9},
        }
