"""Tasks of made-up parts, good and bad, for `benchmarks.gpu.running`."""

import os
import signal
import time
from collections.abc import Iterator

from benchmarks.gpu.results import Row


def measure(setting: str, how: str) -> Iterator[Row]:
    """A row, and then what is asked for."""
    yield Row(f"{setting}, {how}", "process", os.getpid())
    if how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hangs":
        time.sleep(600)
    if how == "raises":
        raise ValueError("no such kernel\nmore of it")
