"""How much memory this process has used, and what becomes of what it frees."""

import ctypes
import os
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
_SMALLEST_APART = 2**20
"""Bytes of a piece that lies by itself."""
_ASKED_OF_GLIBC: dict[int, int] = {}
"""By option; the library doesn't tell."""

NUM_KERNELS = 64
"""More than a step over four pairs has products of different sizes, counted with their way back. One over
16 compiles some of them in every layer again, for 3 % of its time; twice as many take 100 MiB."""
CAPACITIES = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"
"""How many kernels oneDNN keeps, and how many torch's binding to it keeps for each thread."""

_STATUS = Path("/proc/self/status")


def peak_bytes(device: torch.device) -> int:
    """The most memory that this process had at once: on the GPU if the device is one, else in all."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():  # unlike ru_maxrss, this begins anew with a new program
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep_freed_memory() -> None:
    """Let this process use its freed memory again instead of asking for new pages each time.

    A training step frees and takes the same gigabytes over and over; without this, the system fills
    each page with zeros first. Where the C library is not glibc nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            _ask_of_glibc(option, _LARGEST)


@contextmanager
def for_long() -> Iterator[None]:
    """Memory that is taken meanwhile is kept for long: large pieces lie by themselves, unless a gap is free.

    Among those that a step frees and takes again they would leave gaps that nothing fits into. Where freed
    memory isn't kept nothing happens: there large pieces lie so anyway.
    """
    usual = _ASKED_OF_GLIBC.get(_M_MMAP_THRESHOLD)
    if usual is None:
        yield
        return
    _ask_of_glibc(_M_MMAP_THRESHOLD, _SMALLEST_APART)
    try:
        yield
    finally:
        _ask_of_glibc(_M_MMAP_THRESHOLD, usual)


def _ask_of_glibc(option: int, value: int) -> None:
    ctypes.CDLL(None).mallopt(option, value)
    _ASKED_OF_GLIBC[option] = value


def keep_few_kernels() -> None:
    """Let oneDNN forget most of the kernels that it compiles; to be called before its first product.

    It compiles one for the sizes of each product, some 0.3 MiB, and keeps the last 1,024 of them, twice.
    Sizes go with the tokens of a pass, so hardly any comes back later: after some hundred passes this
    held more than a gigabyte. Whoever sets these variables has the last word.
    """
    for name in CAPACITIES:
        os.environ.setdefault(name, str(NUM_KERNELS))
