"""The processes that do runs, and the warm one that they come from.

Loading torch and transformers takes seconds. So a worker keeps a process that has done it and then
waits (`python -m worker.job`). Where that is safe it forks a process for each run; with CUDA, and on
macOS, it does one run itself, and another takes its place in reserve.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from grice_core.errors import GriceError
from grice_core.parent import how_it_ended, start_child
from grice_core.store.claims import Claim
from grice_core.store.states import Device

_LONGEST_START_S = 30.0


class NoProcessError(GriceError):
    """A process for a run could not be had."""


@dataclass(frozen=True)
class Assignment:
    """What a job's process is assigned, as one line of JSON."""

    claim: Claim
    log: str
    """File that takes everything it prints."""

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        fields = json.loads(line)
        return cls(Claim(**fields["claim"]), fields["log"])


def forks(device: Device) -> bool:
    """Whether a process that has loaded the libraries may fork one that uses them."""
    return device is Device.CPU and sys.platform == "linux"


class WarmProcess:
    """A process that has loaded the libraries, or is about to."""

    def __init__(self, *, forking: bool) -> None:
        self._forking = forking
        self.process = start_child(
            ["-m", "worker.job", *(["--fork"] if forking else [])],
            dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._unread = b""
        self._is_ready = False

    def is_ready(self, within_s: float) -> bool:
        """Whether it has loaded everything, or has within this time."""
        if not self._is_ready and self.process.poll() is None:
            self._is_ready = bool(self.hear(within_s))
        return self._is_ready

    def start(self, assignment: Assignment) -> "JobProcess":
        """Have a run done.

        Raises:
            NoProcessError: it has ended meanwhile.
        """
        try:
            self._stdin.write(assignment.to_line())
            self._stdin.flush()
        except BrokenPipeError:
            raise NoProcessError("the process in reserve was ended from outside") from None
        if not self._forking:
            self._stdin.close()
        answer = self.hear(_LONGEST_START_S)
        if not answer:
            raise NoProcessError("the process in reserve ended before it could begin")
        return JobProcess(self, answer["started"])

    def hear(self, timeout_s: float) -> dict[str, Any] | None:
        """The next thing it says; {} when it has ended, None if it says nothing in this time."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left_s = max(0.0, deadline - time.monotonic())
            if not select.select([self._stdout], [], [], left_s)[0]:
                return None
            chunk = os.read(self._stdout.fileno(), 4096)
            if not chunk:
                return {}
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def kill(self) -> None:
        """End it, and with it any run that it has forked."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self._stdin, self._stdout):
            with suppress(BrokenPipeError):
                pipe.close()

    @property
    def _stdin(self) -> Any:
        return self.process.stdin

    @property
    def _stdout(self) -> Any:
        return self.process.stdout


@dataclass
class JobProcess:
    """A process that does one run."""

    warm: WarmProcess
    pid: int
    _status: int | None = None

    def wait(self, timeout_s: float) -> int | None:
        """Its exit status, negative for a signal; None if it continues after this time."""
        if self._status is None:
            heard = self.warm.hear(timeout_s)
            if heard is not None:
                # The warm process says how it ended, unless that is the one, or was ended too.
                self._status = heard.get("ended", None) if heard else self.warm.process.wait()
        return self._status

    def ask_to_stop(self) -> None:
        """Ask it to write a checkpoint and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._status is None:  # else the number may be another process's by now
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


class Reserve:
    """The warm process of a worker, replaced whenever it is used up or was ended."""

    def __init__(self, device: Device) -> None:
        self._forking = forks(device)
        self._warm = WarmProcess(forking=self._forking)

    def is_ready(self, within_s: float) -> bool:
        """Whether a run could begin at once, or can within this time."""
        if self._warm.process.poll() is not None:  # a user ended it while it waited
            self._replace()
        return self._warm.is_ready(within_s)

    def start(self, assignment: Assignment) -> JobProcess:
        """Have a run done, once it is ready.

        Raises:
            NoProcessError: it was ended at this very moment.
        """
        process = self._warm.start(assignment)
        if not self._forking:
            self._warm = WarmProcess(forking=False)
        return process

    def tidy(self, process: JobProcess) -> None:
        """Leave nothing of a run's process behind, and be ready for the next run."""
        process.kill()
        if not self._forking:
            process.warm.kill()
        elif process.wait(timeout_s=10) is None or self._warm.process.poll() is not None:
            self._replace()

    def close(self) -> None:
        """End everything."""
        self._warm.kill()

    def _replace(self) -> None:
        self._warm.kill()
        self._warm = WarmProcess(forking=self._forking)


def ending(status: int, log: Path) -> str:
    """How a process ended that did not say so itself, in words."""
    how = f"its process {how_it_ended(status)}"
    return how if status < 0 else f"{how}; last in its log: {_last_line(log)}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "nothing, it can't be read"
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:500] if said else "nothing"
