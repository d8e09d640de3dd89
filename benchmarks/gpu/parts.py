"""What is measured, in which order, and how the time is shared."""

from collections.abc import Sequence

from benchmarks.gpu.attention import measure_attention
from benchmarks.gpu.correctness import check_answers, check_passes, check_resume, check_training
from benchmarks.gpu.profiling import measure_operations
from benchmarks.gpu.ranks import check_ranks
from benchmarks.gpu.results import VLLM
from benchmarks.gpu.running import Part, Task
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.training import measure_memory, measure_pace, measure_packed
from benchmarks.gpu.writing import measure_writing


def all_parts(setting: Setting) -> Sequence[Part]:
    """In their order: what matters most comes first."""
    return (
        Part("correctness", 0.22, _correctness(setting)),
        Part("processes", 0.12, _processes(setting)),
        Part("training", 0.3, _training(setting)),
        Part("evaluation", 0.17, _evaluation(setting)),
        Part("memory", 0.07, _memory(setting)),
        Part("attention", 0.06, _attention(setting)),
        Part("profile", 0.06, _profile(setting)),
    )


def _correctness(setting: Setting) -> tuple[Task, ...]:
    checks = {
        "passes": check_passes,
        "training": check_training,
        "answers": check_answers,
        "resume": check_resume,
    }
    return tuple(
        Task(f"{name}, {size}", check, (size,))
        for name, check in checks.items()
        for size in setting.small
    )


def _processes(setting: Setting) -> tuple[Task, ...]:
    first, *_ = setting.small
    return (Task(first, check_ranks, (first,), needs_all_gpus=not setting.rehearse),)


def _training(setting: Setting) -> tuple[Task, ...]:
    tasks = []
    for size in setting.large:
        tasks += [
            Task(f"ours, {size}", measure_pace, (size, "ours")),
            Task(f"TRL, {size}", measure_pace, (size, "trl"), is_alone=True, needs="trl"),
            Task(f"ms-swift, {size}", measure_packed, (size,), is_alone=True, needs="swift"),
        ]
    return tuple(tasks)


def _evaluation(setting: Setting) -> tuple[Task, ...]:
    return tuple(
        Task(f"{who}, {size}", measure_writing, (size, who), is_alone=bool(needs), needs=needs)
        for size in setting.large
        for who, needs in (("ours", ""), ("transformers", ""), (VLLM, "vllm"))
    )


def _memory(setting: Setting) -> tuple[Task, ...]:
    recomputed, in_fp32 = {"gradient_checkpointing": "on"}, {"base_dtype": "fp32"}
    tasks = []
    for size in setting.large:
        tasks += [
            Task(f"ours recomputing, {size}", measure_memory, (size, "ours", recomputed)),
            Task(f"ours, fp32 base, {size}", measure_memory, (size, "ours", in_fp32)),
            Task(
                f"TRL recomputing, {size}",
                measure_memory,
                (size, "trl", recomputed),
                is_alone=True,
                needs="trl",
            ),
        ]
    return tuple(tasks)


def _attention(setting: Setting) -> tuple[Task, ...]:
    return tuple(Task(size, measure_attention, (size,)) for size in setting.large)


def _profile(setting: Setting) -> tuple[Task, ...]:
    return tuple(Task(size, measure_operations, (size,)) for size in setting.large)
