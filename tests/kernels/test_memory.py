import os
import platform
import subprocess
import sys

import pytest
import torch

from grice_core.kernels import memory
from grice_core.kernels.choice import plain_kernels

FAULTS = """
import resource, sys, torch
from grice_core.kernels.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2**22)  # 16 MiB, written from end to end
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.ones(2**22)
plain = faults()
keep_freed_memory()
torch.ones(2**22)
print(plain, faults())
"""

PLACES = """
from pathlib import Path
import torch
from grice_core.kernels.memory import apart, keep_freed_memory

def is_in_heap(tensor):
    ranges = [line.split()[0] for line in Path("/proc/self/maps").open() if line.endswith("[heap]\\n")]
    bounds = [[int(end, 16) for end in found.split("-")] for found in ranges]
    return any(low <= tensor.data_ptr() < high for low, high in bounds)

keep_freed_memory()
before = torch.ones(2**20)
with apart():
    kept, small = torch.ones(2**20), torch.ones(2**10)
after = torch.ones(2**20)
print(*map(is_in_heap, (before, kept, small, after)))
"""


RETURNED = """
from pathlib import Path
import torch
from grice_core.kernels.memory import keep_freed_memory, return_freed_memory

def resident_mib():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024

keep_freed_memory()
before = resident_mib()
parts = [torch.ones(2**20) for _ in range(64)]  # 4 MiB each
last = parts[-1]  # lies behind the others
del parts
freed = resident_mib()
return_freed_memory()
print(freed - before, resident_mib() - before)
"""

KERNELS = """
import sys, torch
from pathlib import Path
from grice_core.kernels import memory
from grice_core.kernels.linear import FrozenLinear

def resident_kib():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])

if sys.argv[1] == "few":
    memory.NUM_KERNELS = 16
    memory.keep_few_kernels()
layer = FrozenLinear(torch.nn.Linear(256, 256), prepack=True)
with torch.no_grad():
    layer(torch.ones(1, 256))
    before = resident_kib()
    for num_tokens in range(2, 200):
        layer(torch.ones(num_tokens, 256))
print(resident_kib() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
def test_freed_memory_is_used_again_without_asking_for_new_pages():
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    plain, kept = map(int, run.stdout.split())
    # A page has 4 KiB, or 2 MiB where the system makes large ones of its own accord.
    assert plain >= 20 * 8
    assert kept < plain / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
def test_a_large_allocation_has_pages_of_its_own_meanwhile():
    run = subprocess.run([sys.executable, "-c", PLACES], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "False", "True", "True"]


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.libc_ver()[0] != "glibc",
    reason="only glibc has the call, and only Linux shows what it does",
)
def test_what_was_freed_goes_back_to_the_system_wherever_it_lies():
    command = [sys.executable, "-c", RETURNED]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    freed, returned = map(float, run.stdout.split())
    assert freed > 250
    assert returned < 20


def test_with_plain_kernels_nothing_is_set_in_the_library(monkeypatch):
    monkeypatch.setattr(memory, "_GLIBC_OPTIONS", {})
    with plain_kernels(), memory.apart():
        assert memory._GLIBC_OPTIONS == {}
    assert memory._GLIBC_OPTIONS == {}


@pytest.mark.skipif(
    platform.system() != "Linux" or not torch.backends.mkldnn.is_available(),
    reason="needs oneDNN, and Linux to see what it takes",
)
def test_products_of_ever_new_sizes_leave_little_behind():
    def taken_kib(which: str) -> int:
        command = [sys.executable, "-c", KERNELS, which]
        run = subprocess.run(command, env=unset, capture_output=True, text=True, check=True)
        return int(run.stdout)

    # Whatever loaded a model in this process before has set them.
    unset = {name: value for name, value in os.environ.items() if name not in memory.CAPACITIES}
    assert taken_kib("few") < taken_kib("all") / 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
def test_contexts_of_two_threads_leave_what_the_first_found():
    usual = memory._GLIBC_OPTIONS.get(memory._M_MMAP_THRESHOLD, memory._LARGEST_SHARED)
    first, second = memory.apart(), memory.apart()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert memory._GLIBC_OPTIONS[memory._M_MMAP_THRESHOLD] == memory._SMALLEST_APART
    second.__exit__(None, None, None)
    assert memory._GLIBC_OPTIONS[memory._M_MMAP_THRESHOLD] == usual


@pytest.mark.parametrize(
    ("limit", "free"), [("max", 3 * 2**30), (str(4 * 2**30), 2**30), (str(9 * 2**30), 3 * 2**30)]
)
def test_free_memory_is_the_machines_or_what_is_left_to_its_container(
    limit, free, tmp_path, monkeypatch
):
    (tmp_path / "meminfo").write_text(f"MemTotal: 8388608 kB\nMemAvailable: {3 * 2**20} kB\n")
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text(str(3 * 2**30))
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.free_bytes(torch.device("cpu")) == free


def test_free_memory_that_can_not_be_found_out_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "none")
    assert memory.free_bytes(torch.device("cpu")) is None
    assert memory.free_bytes(torch.device("meta")) is None
