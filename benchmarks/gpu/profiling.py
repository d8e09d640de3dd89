"""Where an optimizer step's time goes, by torch's profiler."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch.autograd import DeviceType  # type: ignore[attr-defined]  # not said to be exported
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.results import Row
from benchmarks.gpu.setting import PAIRS_PER_STEP, Setting
from benchmarks.trainer.contenders import give, stage_job
from benchmarks.trainer.measuring import synchronize
from benchmarks.trainer.work import Size
from grice_core.dpo.schedules import step_batches
from grice_core.pipeline.preparing import prepare_stage
from grice_core.progress import Reporter

NUM_STEPS = 3
"""That warm up, that are timed, and that are profiled; of each one in a rehearsal."""
NUM_SHOWN = 12


def measure_operations(setting: Setting, size: Size) -> Iterator[Row]:
    """The operations that take longest, after steps that warm up; all of them in DIR/profile-SIZE.txt."""
    steps = {"batch_size": PAIRS_PER_STEP, "gradient_accumulation_steps": 1}
    num_steps = 1 if setting.rehearse else NUM_STEPS
    num_pairs = min(2 * num_steps * PAIRS_PER_STEP, setting.num_pairs)
    work = setting.work(size, "bf16", num_pairs, f"profile-{size}", changes=steps)
    given = give(replace(work, base_dtype="bf16"), lambda _: None)
    trainer = prepare_stage(given.base, stage_job(given), Reporter()).trainer
    batches = step_batches(num_pairs, min(PAIRS_PER_STEP, num_pairs), 2 * num_steps, seed=0)

    def take(numbers: range) -> float:
        synchronize(given.device)
        started = time.perf_counter()
        for number in numbers:
            trainer.take_step(batches[number], number, len(batches), seed=0)
        synchronize(given.device)
        return (time.perf_counter() - started) / len(numbers)

    warm_up, timed = range(num_steps), range(num_steps, 2 * num_steps)
    take(warm_up)
    step_s = take(timed)
    on_gpu = given.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        take(timed)
    taken = Profiled(profiler.key_averages(), num_steps, on_gpu)
    yield from _rows(f"{size}, bf16", taken, step_s)
    if setting.out:
        by = "self_device_time_total" if on_gpu else "self_cpu_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=60)
        (setting.out / f"profile-{size}.txt").write_text(table, encoding="utf-8")


@dataclass(frozen=True)
class Profiled:
    """What torch's profiler saw of some steps."""

    events: Any
    num_steps: int
    on_gpu: bool

    def seconds(self, event: Any) -> float:
        """By a step, in the device's own time."""
        total = event.self_device_time_total if self.on_gpu else event.self_cpu_time_total
        return float(total) / 1e6 / self.num_steps

    def of(self, device: DeviceType) -> list[Any]:
        """Operations if it is the CPU; else kernels, whose time is that of operations once more."""
        return [event for event in self.events if event.device_type == device]

    @property
    def all_s(self) -> float:
        counted = self.of(DeviceType.CUDA if self.on_gpu else DeviceType.CPU)
        return sum(self.seconds(event) for event in counted if not event.is_user_annotation)


def _rows(name: str, taken: Profiled, step_s: float) -> Iterator[Row]:
    note = f"{PAIRS_PER_STEP} pairs, not profiled"
    yield Row(name, "an optimizer step", step_s * 1e3, "ms", note=note)
    device = "GPU" if taken.on_gpu else "CPU"
    yield Row(name, f"{device} time of a step's operations", taken.all_s * 1e3, "ms")
    if taken.on_gpu:  # what is left of it waits for the CPU
        yield Row(name, "GPU busy: share of a step", taken.all_s / step_s)
    operations = sorted(taken.of(DeviceType.CPU), key=taken.seconds, reverse=True)
    for event in operations[:NUM_SHOWN]:
        share = taken.seconds(event) / taken.all_s if taken.all_s else 0.0
        note = f"{share:.0%}, {event.count / taken.num_steps:.0f} calls"
        yield Row(name, event.key[:60], taken.seconds(event) * 1e3, "ms", note=note)
