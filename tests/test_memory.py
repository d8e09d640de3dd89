import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from grice_core.memory import keep_freed_memory

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
def test_freed_memory_is_used_again_without_asking_for_new_pages():
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    plain, kept = map(int, run.stdout.split())
    # A page has 4 KiB, or 2 MiB where the system makes large ones of its own accord.
    assert plain >= 20 * 8
    assert kept < plain / 10
