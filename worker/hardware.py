"""What a worker computes on, asked without loading torch, which would take the GPU's memory."""

import os
import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 10
_MIB = 2**20


@dataclass(frozen=True)
class Hardware:
    """A worker's device."""

    name: str
    """`NVIDIA H100 80GB HBM3`, `2 × NVIDIA H100 80GB HBM3`, `AMD EPYC, 2 cores`."""
    memory_bytes: int | None
    """Of several GPUs that of the one with the least free: each process has to fit into its own."""
    free_bytes: int | None


def look_at_hardware(gpus: Sequence[int]) -> Hardware:
    """The GPUs with these numbers, or this machine's processor; what can't be found out is None."""
    return _gpus(gpus) if gpus else _processor()


def gpu_numbers(text: str) -> tuple[int, ...]:
    """`0`, `0,2` or `all` → numbers.

    Raises:
        ValueError: it is something else, or names a GPU twice.
        OSError: which GPUs there are can't be found out.
    """
    if text == "all":
        return _gpus_here()
    try:
        numbers = tuple(map(int, text.split(",")))
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a GPU's number, nor several with commas between, nor all"
        ) from None
    if len(set(numbers)) < len(numbers) or min(numbers) < 0:
        raise ValueError(f"{text!r} names a GPU twice, or one below 0")
    return numbers


def _gpus_here() -> tuple[int, ...]:
    try:
        return tuple(map(int, _ask("--query-gpu=index").split()))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise OSError(
            "nvidia-smi doesn't say which GPUs there are: give their numbers, --gpu 0,1"
        ) from error


def _gpus(numbers: Sequence[int]) -> Hardware:
    wanted = ",".join(map(str, numbers))
    try:
        return parse_gpus(_ask(f"--id={wanted}", "--query-gpu=name,memory.total,memory.free"))
    except (OSError, subprocess.SubprocessError, ValueError):
        return Hardware(f"GPU {wanted}", None, None)


def _ask(*what: str) -> str:
    command = ["nvidia-smi", *what, "--format=csv,noheader,nounits"]
    return subprocess.run(  # noqa: S603 - a fixed command
        command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
    ).stdout


def parse_gpus(answer: str) -> Hardware:
    """A line for each GPU, `NVIDIA H100 80GB HBM3, 81559, 81004` → name, and MiB as bytes.

    Raises:
        ValueError: it is something else.
    """
    lines = [line.rsplit(",", 2) for line in answer.strip().splitlines()]
    found = [(name.strip(), int(total) * _MIB, int(free) * _MIB) for name, total, free in lines]
    counts = Counter(name for name, _, _ in found)
    _, total, free = min(found, key=lambda one: one[2])
    name = " + ".join(name if count == 1 else f"{count} × {name}" for name, count in counts.items())
    return Hardware(name, total, free)


def _processor() -> Hardware:
    memory: dict[str, int] = {}
    with suppress(OSError, ValueError):  # not on Linux
        for line in Path("/proc/meminfo").read_text().splitlines():
            field, _, value = line.partition(":")
            memory[field] = int(value.split()[0]) * 1024
    cores = f"{os.cpu_count() or 1} cores"
    return Hardware(
        f"{_model() or platform.machine()}, {cores}",
        memory.get("MemTotal"),
        memory.get("MemAvailable"),
    )


def _model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
