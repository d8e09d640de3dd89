"""A job that stands still while its worker lives: its lease is renewed, so nothing would ever happen.

It may be stopped (SIGSTOP, a debugger), or wait for something that never comes, such as a file system that
does not answer. A process that works, or waits for a language model's answers, takes processor time.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

STALLED = "stalled"
"""Kind of the trouble that is reported."""
_STOPPED = frozenset("Tt")
_LEAST_CPU_S = 0.05


@dataclass
class StallWatch:
    """Looks at one job's process now and then; on systems without /proc it sees nothing."""

    pid: int
    patience_s: float
    """How long it may take no processor time before that is said."""
    clock: Callable[[], float] = time.monotonic
    _cpu_s: float = -1.0
    _since: float = field(default=0.0)

    def look(self) -> str | None:
        """That it stands still, in one sentence; None: it works, or nothing is known."""
        found = _state_and_cpu_s(self.pid)
        if found is None:
            return None
        state, cpu_s = found
        now = self.clock()
        if self._cpu_s < 0 or cpu_s - self._cpu_s >= _LEAST_CPU_S:
            self._cpu_s, self._since = cpu_s, now
        still_s = now - self._since
        if still_s < (self.patience_s / 10 if state in _STOPPED else self.patience_s):
            return None
        if state in _STOPPED:
            return (
                f"stalled: its process {self.pid} has been stopped for {still_s:,.0f} s; "
                f"`kill -CONT {self.pid}` on its worker's machine lets it continue"
            )
        return (
            f"stalled: its process {self.pid} has done nothing for {still_s:,.0f} s; stop the run, then "
            "resume it from its last checkpoint"
        )


def _state_and_cpu_s(pid: int) -> tuple[str, float] | None:
    """A process's state as one letter, and how much processor time all its threads have taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])  # utime and stime; see proc(5), which counts from 3
    return fields[0], ticks / os.sysconf("SC_CLK_TCK")
