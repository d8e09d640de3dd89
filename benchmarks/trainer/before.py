"""Ours as an earlier commit had it, in a process that knows nothing but that commit's checkout."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trainer.work import Work

_PROGRAM = """
import json, sys
from pathlib import Path
from benchmarks.trainer.contenders import run
from benchmarks.trainer.work import Work

pairs, num_pairs, size, precision, device, home = json.loads(sys.argv[1])
work = Work(Path(pairs), num_pairs, size, precision, device, Path(home))
cost = run("ours", work, {})
print(json.dumps([cost.seconds, cost.cpu_s, cost.peak_bytes]))
"""


@dataclass(frozen=True)
class Before:
    """What training the stage took."""

    seconds: float
    cpu_s: float
    peak_bytes: int


def ours_before(work: Work, checkout: Path) -> Before:
    """Train with the code in a folder. Raises: CalledProcessError."""
    given = [str(work.pairs), work.num_pairs, work.size, work.precision, work.device]
    home = str(work.home.with_name(f"{work.home.name}-before"))
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, json.dumps([*given, home])],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Before(*json.loads(finished.stdout.splitlines()[-1]))
