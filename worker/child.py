"""A job's process: warm before it is needed, given one run, watched by its worker."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from grice_core.parent import start_child
from grice_core.store.claims import Claim


@dataclass(frozen=True)
class Assignment:
    """What a job's process is told on its standard input, as one line of JSON."""

    claim: Claim
    log: str
    """File that takes everything it prints."""

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        fields = json.loads(line)
        return cls(Claim(**fields["claim"]), fields["log"])


class JobProcess:
    """`python -m worker.job`, which has loaded its libraries before it is told what to do.

    That takes seconds, so a worker always keeps one in reserve.
    """

    def __init__(self) -> None:
        self._process = start_child(
            ["-m", "worker.job"], dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def assign(self, assignment: Assignment) -> None:
        """Tell it what to do.

        Raises:
            BrokenPipeError: it has ended meanwhile.
        """
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(assignment.to_line())
            stdin.close()

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status, negative for a signal; None if it goes on after this time."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def ask_to_stop(self) -> None:
        """Ask it to write a checkpoint and end."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()


def ending(status: int, log: Path) -> str:
    """How a process ended that did not say so itself, in words."""
    if status == -signal.SIGKILL:
        return "its process was killed (signal 9), by somebody or for want of memory"
    if status < 0:
        return f"its process was ended by {signal.Signals(-status).name}"
    return f"its process ended with status {status}; last in its log: {_last_line(log)}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "nothing, it can't be read"
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:500] if said else "nothing"
