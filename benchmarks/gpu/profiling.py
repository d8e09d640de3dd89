"""Where an optimizer step's time goes, by torch's profiler."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.results import Row
from benchmarks.gpu.setting import PAIRS_PER_STEP, Setting
from benchmarks.trainer.contenders import base_of, give, stage_job
from benchmarks.trainer.measuring import synchronize
from benchmarks.trainer.work import Size
from grice_core.dpo.schedules import step_batches
from grice_core.kernels.stored import store_weights
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Reporter

NUM_STEPS = 3
"""That warm up, that are timed, and that are profiled."""
NUM_SHOWN = 12


def measure_operations(setting: Setting, size: Size) -> Iterator[Row]:
    """The operations that take longest, after steps that warm up; all of them in DIR/profile-SIZE.txt."""
    steps = {"batch_size": PAIRS_PER_STEP, "gradient_accumulation_steps": 1}
    num_pairs = min(2 * NUM_STEPS * PAIRS_PER_STEP, setting.num_pairs)
    work = setting.work(size, "bf16", num_pairs, f"profile-{size}", changes=steps)
    given = give(work, lambda _: None)
    store_weights(given.model, torch.bfloat16)
    trainer = prepare_stage(base_of(given), stage_job(given), Reporter()).trainer
    batches = step_batches(num_pairs, min(PAIRS_PER_STEP, num_pairs), 2 * NUM_STEPS, seed=0)

    def take(numbers: range) -> float:
        synchronize(given.device)
        started = time.perf_counter()
        for number in numbers:
            trainer.take_step(batches[number], number, len(batches), seed=0)
        synchronize(given.device)
        return (time.perf_counter() - started) / len(numbers)

    take(range(NUM_STEPS))
    step_s = take(range(NUM_STEPS, 2 * NUM_STEPS))
    on_gpu = given.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        take(range(NUM_STEPS, 2 * NUM_STEPS))
    yield from _rows(f"{size}, bf16", profiler.key_averages(), step_s, on_gpu=on_gpu)
    if setting.out:
        by = "self_device_time_total" if on_gpu else "self_cpu_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=60)
        (setting.out / f"profile-{size}.txt").write_text(table, encoding="utf-8")


def _rows(name: str, events: Any, step_s: float, *, on_gpu: bool) -> Iterator[Row]:
    def taken_s(event: Any) -> float:
        """By a step, in the device's own time."""
        total = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        return float(total) / 1e6 / NUM_STEPS

    note = f"{PAIRS_PER_STEP} pairs, not profiled"
    yield Row(name, "an optimizer step", step_s * 1e3, "ms", note=note)
    # A kernel's time is also that of the operation which started it: named are operations.
    kernels = [event for event in events if event.device_type == DeviceType.CUDA]
    operations = [event for event in events if event.device_type == DeviceType.CPU]
    counted = kernels if on_gpu else operations
    all_s = sum(taken_s(event) for event in counted if not event.is_user_annotation)
    device = "GPU" if on_gpu else "CPU"
    yield Row(name, f"{device} time of a step's operations", all_s * 1e3, "ms")
    if on_gpu:  # what is left of it waits for the CPU
        yield Row(name, "GPU busy: share of a step", all_s / step_s)
    for event in sorted(operations, key=taken_s, reverse=True)[:NUM_SHOWN]:
        share = taken_s(event) / all_s if all_s else 0.0
        note = f"{share:.0%}, {event.count / NUM_STEPS:.0f} calls"
        yield Row(name, event.key[:60], taken_s(event) * 1e3, "ms", note=note)
