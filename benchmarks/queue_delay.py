"""How long a submitted run waits for its process on an idle worker: `python -m benchmarks.queue_delay`.

Against the alternative in the same run: a process that loads the libraries when it is needed.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.options import add_json, new_parser
from grice_core.store import runs
from grice_core.store.database import Database
from tests.pipeline.world import write_world
from tests.worker.asked import Asked, ask
from tests.worker.installation import installed
from tests.worker.processes import eventually

_LOOK_EVERY_S = 0.01
"""How often the database is asked; what is measured is at most so much too long."""


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument(
        "--runs", type=int, default=100, help="to be put into the queue; else %(default)s"
    )
    add_json(parser)
    arguments = parser.parse_args()
    waits = measure(arguments.runs)
    cold = measure_cold_start()
    figures = {
        "runs": len(waits),
        "median_s": statistics.median(waits),
        "p95_s": percentile(waits, 95),
        "cold_start_s": cold,
        "ratio": cold / statistics.median(waits),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"from submission to a process of its own, {len(waits)} runs on an idle worker")
    print(f"  median {figures['median_s']:.3f} s   p95 {figures['p95_s']:.3f} s")
    print(f"a process that loads the libraries first: {cold:.1f} s ({figures['ratio']:.0f} times)")


def measure(num_runs: int) -> list[float]:
    """Seconds from submission to the process that does the run, for each of several pipelines."""
    with tempfile.TemporaryDirectory() as folder, installed() as installation:
        world = write_world(Path(folder))
        installation.start_valkey()
        installation.start_worker()
        queue = installation.queue()
        waits = []
        for seed in range(num_runs + 1):
            asked = ask(queue, world, seed=seed)
            first = asked.run("score")
            has_process = partial(_process_of, queue.database, first.id)
            eventually(has_process, "a process", look_every_s=_LOOK_EVERY_S)
            waits.append(time.time() - first.created_at)
            for run in reversed(asked.runs):
                queue.stop(run.id)
            eventually(partial(_is_over, asked), "idle")
        return waits[1:]  # the worker was still loading when the first came


def _process_of(database: Database, run_id: int) -> int | None:
    return runs.get(database, run_id).pid


def _is_over(asked: Asked) -> bool:
    return all(run.state.is_finished() for run in asked.runs)


def measure_cold_start() -> float:
    """Seconds that a fresh process needs before it could begin."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import worker.execution"], check=True)
    return time.perf_counter() - started


def percentile(values: list[float], share: int) -> float:
    """The value below which this share (in percent) lies."""
    return statistics.quantiles(values, n=100)[share - 1]


if __name__ == "__main__":
    main()
