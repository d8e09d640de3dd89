"""The base model: a folder made of SmolLM2's GGUF file."""

import copy
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.real.packages import GGUF_NAME, gguf_folder
from grice_core.errors import GriceError
from grice_core.files import atomic_folder
from grice_core.quiet import hush_libraries

END_OF_TURN = "<|im_end|>"
_DIALOGUE = [
    {"role": "user", "content": "When was it built, in 1849?"},
    {"role": "assistant", "content": "Yes, in 1849."},
    {"role": "user", "content": "Who by?"},
]


def make_base(packages: Path, base: Path) -> None:
    """Write the model and its tokenizer as a folder that any command takes, unless it is there.

    Works in a process of its own, whose memory goes with it.

    Raises:
        GriceError: what is read back differs from what the GGUF file holds.
    """
    if base.is_dir():
        return
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(_make_base, packages, base).result()


def _make_base(packages: Path, base: Path) -> None:
    sys.path.append(str(packages))  # transformers looks for gguf when it is to read such a file
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hush_libraries()
    source = {"pretrained_model_name_or_path": gguf_folder(packages), "gguf_file": GGUF_NAME}
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    tokenizer.model_max_length = loaded.config.max_position_embeddings
    with atomic_folder(base) as folder:
        _without_quantization(loaded).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        read_back = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        _require_same_tokens(tokenizer, AutoTokenizer.from_pretrained(folder))
        _require_same_logits(loaded, read_back, _token_ids(tokenizer))


def _without_quantization(loaded: Any) -> Any:
    """A model with the same weights that may be saved: transformers takes one read from GGUF for quantised,
    though its weights are ordinary fp32."""
    from transformers import AutoModelForCausalLM

    config = copy.deepcopy(loaded.config)
    del config.quantization_config
    fresh = AutoModelForCausalLM.from_config(config)
    fresh.load_state_dict(loaded.state_dict())
    fresh.generation_config = loaded.generation_config
    return fresh


def _token_ids(tokenizer: Any) -> list[int]:
    rendered = tokenizer.apply_chat_template(_DIALOGUE, add_generation_prompt=True, tokenize=False)
    ids: list[int] = tokenizer(rendered, add_special_tokens=False).input_ids
    return ids


def _require_same_tokens(before: Any, after: Any) -> None:
    """Chat template, ends of turns and token ids survive."""
    turns = _token_ids(after).count(after.eos_token_id)
    if _token_ids(before) != _token_ids(after) or after.eos_token != END_OF_TURN or turns != 4:
        raise GriceError(
            f"{GGUF_NAME}: the tokenizer read back differs from the one saved, or doesn't end turns "
            f"by {END_OF_TURN}; another version of transformers may read it otherwise"
        )


def _require_same_logits(before: Any, after: Any, token_ids: list[int]) -> None:
    """To the last bit."""
    import torch

    with torch.no_grad():
        logits = [model.eval()(torch.tensor([token_ids])).logits for model in (before, after)]
    if not torch.equal(*logits):
        raise GriceError(
            f"{GGUF_NAME}: the model read back gives other logits than the one saved; another version "
            "of transformers may read it otherwise"
        )
