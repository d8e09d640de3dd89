"""Commands of `grice` in processes of their own: what they print, and what they cost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from grice_core.errors import GriceError, InterruptedRunError
from grice_core.files import write_json_atomic

GRICE = Path(sys.executable).with_name("grice")
WIDTH = 130
"""Columns of the tables, which are not to be cut where there is no terminal."""


@dataclass(frozen=True)
class Cost:
    """What a command took, all its attempts together."""

    seconds: float
    cpu_s: float
    """Of all threads: what other programs take in between doesn't count."""
    peak_bytes: int
    """The most memory that the process had at once."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.cpu_s + other.cpu_s,
            max(self.peak_bytes, other.peak_bytes),
        )

    def __str__(self) -> str:
        return (
            f"{self.seconds / 60:.1f} min, {self.cpu_s / 60:.1f} CPU min, "
            f"peak memory {self.peak_bytes / 2**30:.1f} GiB"
        )


@dataclass(frozen=True)
class Printed:
    """What a command printed, and what it cost, kept beside the folder that it wrote."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.txt")

    @property
    def text(self) -> str:
        """Empty where the folder came otherwise."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else ""

    @property
    def _costs(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.cost.json")

    @property
    def cost(self) -> Cost | None:
        """None where nothing was there to count to the end."""
        if not self._costs.exists():
            return None
        return Cost(**json.loads(self._costs.read_text(encoding="utf-8")))

    def run(self, arguments: Sequence[str], *, goes_on: bool = False) -> None:
        """Run `grice` with these arguments, its progress bars on stderr; its table is kept.

        Args:
            arguments: Of the command.
            goes_on: whether the costs so far are of the same work.

        Raises:
            InterruptedRunError: it was asked to stop.
            GriceError: it failed, and has said why on stderr.
        """
        before = self.cost if goes_on else None
        with self.path.open("w", encoding="utf-8") as printed:
            code, cost = _run(arguments, printed.fileno(), _environment(self.folder.parent))
        write_json_atomic(self._costs, asdict(before + cost if before else cost))
        if code == InterruptedRunError.exit_code:
            raise InterruptedRunError("interrupted; the same command continues from there")
        if code:
            raise GriceError(f"grice {' '.join(arguments)} ended with exit code {code}")


def _environment(home: Path) -> Mapping[str, str]:
    """Wide tables, and nothing that other work has computed."""
    return os.environ | {
        "COLUMNS": str(WIDTH),
        "GRICE_HOME": str(home / "home"),
        "GRICE_KEPT_MIB": "0",
    }


def _run(arguments: Sequence[str], stdout: int, environment: Mapping[str, str]) -> tuple[int, Cost]:
    started = time.perf_counter()
    process = subprocess.Popen([str(GRICE), *arguments], stdout=stdout, env=environment)
    with _signals_left_to(process):
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, peak)
    return process.returncode, cost


@contextmanager
def _signals_left_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A stop is the command's to make, at a safe point; the terminal's Ctrl-C reaches it without us."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    asked = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, asked)
