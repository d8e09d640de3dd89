"""How much memory this process has used, and what becomes of what it frees."""

import ctypes
import os
import platform
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch

from grice_core.kernels.choice import uses_plain

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
_SMALLEST_APART = 2**20
"""Bytes of an allocation that gets pages of its own."""
_LARGEST_SHARED = 2**25
"""… at most, as glibc itself has it after large allocations were freed."""
_GLIBC_OPTIONS: dict[int, int] = {}
"""What was set; the library doesn't tell."""

NUM_KERNELS = 64
"""More than the products of different sizes in a step over four pairs, forward and backward. A step over 16
compiles some of them again in every layer, for 3 % of its time; twice as many take 100 MiB."""
CAPACITIES = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"
"""How many kernels oneDNN keeps, and how many torch's binding to it keeps for each thread."""

_STATUS = Path("/proc/self/status")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def peak_bytes(device: torch.device) -> int:
    """The most memory that this process had at once: on the GPU if the device is one, else in all."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():  # unlike ru_maxrss, this begins anew with a new program
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def free_bytes(device: torch.device) -> int | None:
    """Memory that this process can still have: of the GPU if the device is one, else of the machine, or of what
    its container may use; None where that can't be found out."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    if device.type != "cpu":
        return None
    found = []
    with suppress(OSError, ValueError, KeyError):
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        found.append(int(fields["MemAvailable"].split()[0]) * 1024)
    with suppress(OSError, ValueError):  # "max" is no limit
        limit, used = ((_CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
        found.append(int(limit) - int(used))
    return min(found, default=None)


def total_bytes(device: torch.device) -> int | None:
    """Memory that there is in all: of the GPU if the device is one, else of the machine, or what its container
    may use; None where that can't be found out."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type != "cpu":
        return None
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):
        found.append(int((_CGROUP / "memory.max").read_text()))
    return min(found)


@dataclass
class _Apart:
    """How many contexts of `apart` there are in all threads: the library has one setting for all."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0
    usual: int = 0
    """What the first found."""


_APART = _Apart()


def keep_freed_memory() -> None:
    """Let this process reuse its freed memory instead of asking for new pages each time.

    A training step frees and allocates the same gigabytes over and over; without this, the system fills
    each page with zeros first. Nothing happens with plain kernels, or where the C library is not glibc.
    """
    if not uses_plain() and _is_glibc():
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            _set_in_glibc(option, _LARGEST)


@contextmanager
def apart() -> Iterator[None]:
    """Give large allocations pages of their own meanwhile, which the system gets back once they are freed.

    Among many that come and go, ones that stay leave gaps which no later one fits into: reading and quantising half
    a gigabyte took four times that. glibc itself does so at first, and less and less as large ones are freed.
    Nothing happens with plain kernels, or where the C library is not glibc.
    """
    if uses_plain() or not _is_glibc():
        yield
        return
    with _APART.lock:
        _APART.count += 1
        if _APART.count == 1:
            _APART.usual = _GLIBC_OPTIONS.get(_M_MMAP_THRESHOLD, _LARGEST_SHARED)
            if _M_TRIM_THRESHOLD not in _GLIBC_OPTIONS:
                # As glibc itself has it by then; once one of both is set, it leaves the other at 128 KiB.
                _set_in_glibc(_M_TRIM_THRESHOLD, 2 * _LARGEST_SHARED)
            _set_in_glibc(_M_MMAP_THRESHOLD, _SMALLEST_APART)
    try:
        yield
    finally:
        with _APART.lock:
            _APART.count -= 1
            if not _APART.count:
                _set_in_glibc(_M_MMAP_THRESHOLD, _APART.usual)


def return_freed_memory() -> None:
    """Give what this process has freed back to the system, wherever in the heap it lies.

    Of what one phase frees, the next uses little: what it allocates has other sizes, or lies `apart`. Nothing
    happens with plain kernels, or where the C library is not glibc.
    """
    if not uses_plain() and _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"


def _set_in_glibc(option: int, value: int) -> None:
    ctypes.CDLL(None).mallopt(option, value)
    _GLIBC_OPTIONS[option] = value


def keep_few_kernels() -> None:
    """Let oneDNN forget most of the kernels that it compiles; to be called before its first product.

    It compiles one for the sizes of each product, some 0.3 MiB, and keeps the last 1,024 of them, twice.
    Sizes go with the tokens of a pass, so hardly any comes back later: after some hundred passes this
    held more than a gigabyte. Variables that are set already stay; with plain kernels none is set.
    """
    if uses_plain():
        return
    for name in CAPACITIES:
        os.environ.setdefault(name, str(NUM_KERNELS))
