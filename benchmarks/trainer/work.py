"""What every contender is given: the same pairs, the same random weights, the same settings."""

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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

Size = Literal["small", "medium", "llama"]
_SHAPES = {
    "small": {"n_embd": 768, "n_layer": 12, "n_head": 12},
    "medium": {"n_embd": 1024, "n_layer": 24, "n_head": 16},
}
_HALF_A_BILLION = {
    "hidden_size": 1280,
    "intermediate_size": 3456,
    "num_hidden_layers": 24,
    "num_attention_heads": 20,
    "num_key_value_heads": 4,
    "vocab_size": 50257,
    "tie_word_embeddings": True,
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
    """In which ours holds the weights."""
    gradient_checkpointing: Checkpointing = "auto"
    """Of ours."""

    @property
    def stage(self) -> StageConfig:
        """The guide's first stage; all pairs are kept."""
        stage = load_recipe("content-then-manner").stages[0]
        return stage.model_copy(update={"filter": (), "epochs": NUM_EPOCHS, "num_steps": None})


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


def make_model(size: Size, device: torch.device) -> Any:
    """A shape of GPT-2 or Llama with random weights, the same every time."""
    torch.manual_seed(0)
    if size == "llama":
        return LlamaForCausalLM(LlamaConfig(**_HALF_A_BILLION)).to(device).eval()
    return GPT2LMHeadModel(GPT2Config(**_SHAPES[size])).to(device).eval()


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
