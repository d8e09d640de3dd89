"""Programs that the front door keeps running: their output in one stream, restarted when they die."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from grice_core.parent import start_child

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_CALM_AFTER_S = 60.0
"""A program that ran this long starts again with the first pause."""
_REMEMBERED_LINES = 5


class Child:
    """One program of ours."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        say: Callable[[str, str], None],
        noise: Sequence[str] = (),
    ) -> None:
        """Describe it; `start` starts it.

        Args:
            arguments: for this Python, such as `["-m", "worker"]`.
            say: gets the child's name and each line that it prints.
            noise: lines that hold one of these are not passed on.
        """
        self._noise = noise
        self.name = name
        self.last_lines: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        self._arguments = arguments
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: threading.Thread | None = None
        self._environment: Mapping[str, str] = os.environ
        self._started_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._again_at: float | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, from the main thread."""
        self._environment = environment
        self._started_at = time.monotonic()
        self._again_at = None
        self._process = start_child(
            self._arguments, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._pump = threading.Thread(
            target=self._pass_on, args=(self._process.stdout,), daemon=True, name=self.name
        )
        self._pump.start()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """If it has ended, say so, and start it again after a pause that grows."""
        if self._process is None or self.is_running():
            return
        now = time.monotonic()
        if self._again_at is None:
            if now - self._started_at > _CALM_AFTER_S:
                self._pause_s = _FIRST_PAUSE_S
            self._say(
                self.name,
                f"ended {_how(self._process.returncode)}; starts again in {self._pause_s:g} s",
            )
            self._again_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        elif now >= self._again_at:
            self.start(self._environment)

    def ask_to_end(self) -> None:
        """Let it end in good order."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def end_by(self, deadline: float) -> None:
        """Wait for its end until this time (monotonic), then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._say(self.name, "did not end in time and is killed")
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def hear_out(self, deadline: float) -> None:
        """Pass on what it said last, until this time: a process of its own may hold its stream open."""
        if self._pump is not None:
            self._pump.join(max(0.0, deadline - time.monotonic()))

    def _pass_on(self, output: IO[bytes]) -> None:
        with output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                if line and not any(noise in line for noise in self._noise):
                    self.last_lines.append(line)
                    self._say(self.name, line)


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
