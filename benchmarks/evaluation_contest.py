"""What the contenders of `benchmarks.evaluation` took, side by side, and an earlier commit's turn."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grice_core.kernels.precision import Precision
from grice_core.pipeline.output import OutputFolder


@dataclass(frozen=True)
class Work:
    """What both contenders are given."""

    folder: Path
    """Holds base and detector, and each stage's adapter where a pipeline would have put it."""
    prompts: tuple[str, ...]
    stages: tuple[str, ...]
    precision: Precision
    device: str

    @property
    def base(self) -> Path:
        """Folder of the base model, which stages begin from again."""
        return self.folder / "base"


@dataclass(frozen=True)
class Cost:
    """What an evaluation took, once the first model was in memory."""

    writing_s: float
    judging_s: float
    cpu_s: float
    peak_bytes: int

    @property
    def seconds(self) -> float:
        return self.writing_s + self.judging_s

    def times(self, factor: float) -> "Cost":
        """Of so many times the prompts."""
        return Cost(
            self.writing_s * factor, self.judging_s * factor, self.cpu_s * factor, self.peak_bytes
        )


@dataclass(frozen=True)
class Turn:
    """An evaluation by one commit's code, loading included."""

    seconds: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Contest:
    """What the contenders took in one number format."""

    ours: Cost
    notebook: Cost | None
    turns: tuple[tuple[Turn, Turn], ...]
    """By an earlier commit and by ours, in turn."""

    def document(self) -> dict[str, float]:
        """As JSON."""
        ratios: dict[str, float] = {}
        if self.notebook is not None:
            ratios["ratio_notebook"] = self.notebook.seconds / self.ours.seconds
            ratios["cpu_ratio_notebook"] = self.notebook.cpu_s / self.ours.cpu_s
            ratios["memory_ratio_notebook"] = self.ours.peak_bytes / self.notebook.peak_bytes
        if self.turns:
            before, ours = zip(*self.turns, strict=True)
            ratios["ratio_before"] = _sum(before, "seconds") / _sum(ours, "seconds")
            ratios["cpu_ratio_before"] = _sum(before, "cpu_s") / _sum(ours, "cpu_s")
            ratios["memory_ratio_before"] = _sum(ours, "peak_bytes") / _sum(before, "peak_bytes")
        return {name: round(ratio, 3) for name, ratio in ratios.items()}


def _sum(turns: Sequence[Turn], name: str) -> float:
    return float(sum(getattr(turn, name) for turn in turns))


_PROGRAM = """
import json, sys, time
from pathlib import Path
from benchmarks.evaluation import Work, ours

folder, prompts, stages, precision, device = json.loads(sys.argv[1])
started = time.perf_counter()
cost = ours(Work(Path(folder), tuple(prompts), tuple(stages), precision, device))
print(json.dumps([time.perf_counter() - started, time.process_time(), cost.peak_bytes]))
"""


def take_turn(work: Work, checkout: Path) -> Turn:
    """Evaluate with the code in a folder, in a process of its own. Raises: CalledProcessError."""
    given = [str(work.folder), work.prompts, work.stages, work.precision, work.device]
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, json.dumps(given)],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    OutputFolder(work.folder).answers.unlink(missing_ok=True)
    turn = Turn(*json.loads(finished.stdout.splitlines()[-1]))
    print(f"{checkout}: {turn}", file=sys.stderr)
    return turn


def show(precision: str, contest: Contest) -> None:
    """As a table."""
    print(f"{precision:10}{'writing':>10}{'judging':>10}{'all':>10}{'CPU':>10}{'memory':>13}")
    for name, cost in (("ours", contest.ours), ("notebook", contest.notebook)):
        if cost is not None:
            print(
                f"{name:10}{cost.writing_s:8.1f} s{cost.judging_s:8.1f} s{cost.seconds:8.1f} s"
                f"{cost.cpu_s:8.1f} s{cost.peak_bytes / 2**20:9,.0f} MiB"
            )
    for number, turns in enumerate(contest.turns, 1):
        for name, turn in zip(("before", "ours"), turns, strict=True):
            print(
                f"{name} {number:<23}{turn.seconds:10.1f} s{turn.cpu_s:8.1f} s"
                f"{turn.peak_bytes / 2**20:9,.0f} MiB"
            )
    print(", ".join(f"{name} {ratio}" for name, ratio in contest.document().items()))
