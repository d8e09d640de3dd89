"""The pace and memory of training a stage, in bf16: this package, TRL, and ms-swift with packing."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.gpu.results import PACKED, PAIRS, Row, skipped
from benchmarks.gpu.setting import PAIRS_PER_STEP, Setting
from benchmarks.gpu.swift import train_packed
from benchmarks.trainer.contenders import train
from benchmarks.trainer.measuring import Cost, WorkCounter
from benchmarks.trainer.work import Size, Work

NUM_WARMING = 2 * PAIRS_PER_STEP
"""Pairs that are trained on first: kernels are loaded, and there is a figure if time runs out."""
NUM_FOR_MEMORY = 4 * PAIRS_PER_STEP


def measure_pace(setting: Setting, size: Size, who: str) -> Iterator[Row]:
    """Pairs a second by this contender, after a short training that warms up."""
    few, all_pairs = min(NUM_WARMING, setting.num_pairs), setting.num_pairs
    warm = train(who, _work(setting, size, few, f"{who}-{size}-warm"), WorkCounter())
    yield Row(f"{size}, bf16", "pairs/s while warming up", few * 2 / warm.seconds, who=who)
    work = _work(setting, size, all_pairs, f"{who}-{size}")
    cost = train(who, work, WorkCounter())
    yield from _rows(f"{size}, bf16", who, work, cost)


def _rows(name: str, who: str, work: Work, cost: Cost) -> Iterator[Row]:
    seen = work.num_pairs * work.stage.epochs
    note = f"{work.num_pairs} pairs, {work.stage.epochs} epochs, {work.stage.pairs_per_step} a step"
    yield Row(name, PAIRS, seen / cost.seconds, who=who, note=note)
    in_steps = seen / (cost.seconds - cost.before.all_s)
    yield Row(name, "pairs/s in steps alone", in_steps, who=who)
    yield Row(name, "before the first step", cost.before.all_s, "s", who)
    yield Row(name, "tokens per pair", cost.num_tokens / seen, who=who, note="padding included")
    yield Row(name, "peak memory of training", cost.peak_bytes / 2**20, "MiB", who)


def measure_packed(setting: Setting, size: Size) -> Iterator[Row]:
    """Pairs a second by ms-swift."""
    if not size.startswith("llama"):
        yield skipped(f"{size}, bf16", PAIRS, "ms-swift has no chat template for GPT-2", PACKED)
        return
    work = _work(setting, size, setting.num_pairs, f"swift-{size}")
    seconds = train_packed(work)
    yield Row(f"{size}, bf16", PAIRS, work.num_pairs * work.stage.epochs / seconds, who=PACKED)


def measure_memory(
    setting: Setting, size: Size, who: str, changes: Mapping[str, Any]
) -> Iterator[Row]:
    """Peak memory of a short training in another way."""
    name = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in changes.items())
    num = min(NUM_FOR_MEMORY, setting.num_pairs)
    work = _work(setting, size, num, f"{who}-{size}-memory-{name}", **changes)
    cost = train(who, work, WorkCounter())
    yield Row(f"{size}, bf16, {name}", "peak memory", cost.peak_bytes / 2**20, "MiB", who)
    in_steps = num * work.stage.epochs / (cost.seconds - cost.before.all_s)
    yield Row(f"{size}, bf16, {name}", "pairs/s in steps alone", in_steps, who=who)


def _work(setting: Setting, size: Size, num_pairs: int, name: str, **changes: Any) -> Work:
    steps = {"batch_size": PAIRS_PER_STEP, "gradient_accumulation_steps": 1}
    given = {"changes": steps, "gradient_checkpointing": "off"}
    return setting.work(size, "bf16", num_pairs, name, **(given | changes))
