"""Work that ends badly; without imports that take long."""

import os
import signal
import time

from grice_core.progress import Progress


def misbehave(does: str, progress: Progress) -> None:
    """Take too much time or memory, or die."""
    progress(does, 0, 1)
    if does == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    taken = bytearray(2**28 if does == "grow" else 1)
    while does == "compute":
        taken[0] ^= 1
    time.sleep(60)
