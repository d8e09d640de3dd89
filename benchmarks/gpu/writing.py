"""The pace of writing answers in bf16: this package, transformers' `generate`, and batch-invariant vLLM."""

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from benchmarks.gpu.results import TOKENS, VLLM, Row
from benchmarks.gpu.setting import Setting
from benchmarks.trainer.contenders import Given, give
from benchmarks.trainer.measuring import synchronize
from benchmarks.trainer.work import Size, make_model, make_tokenizer
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.kernels.memory import peak_bytes
from grice_core.kernels.stored import store_weights
from grice_core.recipes.config import EvaluationConfig

CONFIG = EvaluationConfig()
NUM_PROMPTS = 128

Write = Callable[[Sequence[str]], int]
"""Answers prompts; returns how many tokens it wrote."""


def measure_writing(setting: Setting, size: Size, who: str) -> Iterator[Row]:
    """Tokens a second, first on few prompts, which warms up."""
    given = give(setting.work(size, "bf16", setting.num_pairs, f"writing-{size}"), lambda _: None)
    prompts = [*dict.fromkeys(given.table.prompts)][: 4 if setting.rehearse else NUM_PROMPTS]
    write = _WRITERS[who](setting, given)
    seconds, tokens = _timed(write, prompts[: len(prompts) // 8 + 1], given)
    yield Row(f"{size}, bf16", "tokens/s while warming up", tokens / seconds, who=who)
    seconds, tokens = _timed(write, prompts, given)
    note = f"{tokens:,} tokens, {len(prompts)} prompts"
    yield Row(f"{size}, bf16", TOKENS, tokens / seconds, who=who, note=note)
    if who != VLLM:  # which takes all memory, and in another process
        yield Row(
            f"{size}, bf16", "peak memory of writing", peak_bytes(given.device) / 2**20, "MiB", who
        )


def _timed(write: Write, prompts: Sequence[str], given: Given) -> tuple[float, int]:
    started = time.perf_counter()
    tokens = write(prompts)
    synchronize(given.device)
    return time.perf_counter() - started, tokens


def _ours(setting: Setting, given: Given) -> Write:
    base = given.base
    store_weights(base.model, "bf16")
    _forget_peak(given)
    sampling = Sampling(CONFIG.temperature, CONFIG.top_p, _length(setting), seed=0)

    def write(prompts: Sequence[str]) -> int:
        answers = Answers()
        with torch.autocast(given.device.type, dtype=torch.bfloat16):
            generate(base.model, base.tokenizer, prompts, sampling, answers=answers)
        return sum(answers.tokens.values())

    return write


def _transformers(setting: Setting, given: Given) -> Write:
    """All prompts in one batch, padded on the left."""
    tokenizer, model = given.tokenizer, given.model.to(torch.bfloat16)
    tokenizer.padding_side = "left"
    _forget_peak(given)
    length = _length(setting)

    def write(prompts: Sequence[str]) -> int:
        inputs = tokenizer(list(prompts), return_tensors="pt", padding=True).to(model.device)
        model.generate(
            **inputs,
            min_new_tokens=length,
            max_new_tokens=length,
            do_sample=True,
            temperature=CONFIG.temperature,
            top_p=CONFIG.top_p,
            pad_token_id=tokenizer.pad_token_id,
        )
        return len(prompts) * length

    return write


def _vllm(setting: Setting, given: Given) -> Write:
    """In a process that ends with it: batch invariance changes torch's operations."""
    if given.device.type == "cuda":  # it has no kernels for it elsewhere
        os.environ["VLLM_BATCH_INVARIANT"] = "1"
    from vllm import LLM, SamplingParams

    folder = given.work.home / "vllm-base"
    make_model(given.work.size, given.device).to(torch.bfloat16).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    given.model.to("cpu")
    _forget_peak(given)
    length = _length(setting)
    engine: Any = LLM(str(folder), dtype="bfloat16", seed=0, gpu_memory_utilization=0.5)
    sampling = SamplingParams(
        temperature=CONFIG.temperature, top_p=CONFIG.top_p, max_tokens=length, ignore_eos=True
    )

    def write(prompts: Sequence[str]) -> int:
        outputs = engine.generate(list(prompts), sampling, use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    return write


def _length(setting: Setting) -> int:
    return 4 if setting.rehearse else CONFIG.max_new_tokens


def _forget_peak(given: Given) -> None:
    gc.collect()
    if given.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(given.device)


_WRITERS: dict[str, Callable[[Setting, Given], Write]] = {
    "ours": _ours,
    "transformers": _transformers,
    VLLM: _vllm,
}
