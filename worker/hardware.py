"""What a worker computes on, asked without loading torch, which would take the GPU's memory."""

import os
import platform
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 10
_MIB = 2**20


@dataclass(frozen=True)
class Hardware:
    """A worker's device."""

    name: str
    """`NVIDIA H100 80GB HBM3`, `AMD EPYC, 2 cores`."""
    memory_bytes: int | None
    free_bytes: int | None


def look_at_hardware(gpu: int | None) -> Hardware:
    """The GPU with this number, or this machine's processor; what can't be found out is None."""
    return _processor() if gpu is None else _gpu(gpu)


def _gpu(number: int) -> Hardware:
    command = [
        "nvidia-smi",
        f"--id={number}",
        "--query-gpu=name,memory.total,memory.free",
        "--format=csv,noheader,nounits",
    ]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
        ).stdout
        return parse_gpu(answer)
    except (OSError, subprocess.SubprocessError, ValueError):
        return Hardware(f"GPU {number}", None, None)


def parse_gpu(answer: str) -> Hardware:
    """`NVIDIA H100 80GB HBM3, 81559, 81004` → name, and MiB as bytes.

    Raises:
        ValueError: it is something else.
    """
    name, total, free = (part.strip() for part in answer.strip().rsplit(",", 2))
    return Hardware(name, int(total) * _MIB, int(free) * _MIB)


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
