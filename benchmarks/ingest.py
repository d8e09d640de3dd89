"""Reading a file of pairs, against `datasets.load_dataset` and a `map` that does the same checks.

python -m benchmarks.ingest [--pairs 1000000] [--formats jsonl csv parquet jsonl.zst] [--json]

Both run in processes of their own on the same two cores, `datasets` with two processes. Time is that of the
work, without starting Python and importing; memory is the peak over all processes of a side, pages that
several share counted once. `datasets` is installed with `pip install -e '.[bench]'`, or stands in another
environment (`--datasets-python`). `--earlier FOLDER` measures another checkout of this repository, too.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import zstandard
from pyarrow import csv, parquet

from benchmarks.options import add_json, new_parser
from grice_core.maxims import MAXIMS

FORMATS = ("jsonl", "csv", "parquet", "jsonl.zst")
_ROOT = Path(__file__).parents[1]
_BLOCK = 50_000
_LOOK_EVERY_S = 0.02
_OURS = """
import sys, time
from pathlib import Path
from grice_core.data.load import load_pairs
started = time.perf_counter()
loaded = load_pairs(Path(sys.argv[1]))
print(time.perf_counter() - started, loaded.report.num_usable, sum(p.count for p in loaded.report.problems))
"""


@dataclass(frozen=True)
class Cost:
    """Of reading one file."""

    seconds: float
    peak_bytes: int
    found: tuple[int, int]
    """Usable rows, and what was found wrong with them, so that both sides can be seen to agree."""


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="else %(default)s")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--datasets-python", default=sys.executable, help="that has `datasets`")
    parser.add_argument("--earlier", type=Path, help="another checkout to be measured, too")
    add_json(parser)
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.formats:
            path = Path(folder) / f"pairs.{kind}"
            write(path, arguments.pairs)
            costs = _costs(path, arguments.datasets_python, arguments.earlier)
            figures[kind] = _figures(costs)
            if not arguments.json:
                _show(kind, path, arguments.pairs, costs)
            path.unlink()
    if arguments.json:
        print(json.dumps(figures))


def write(path: Path, num_pairs: int) -> None:
    """Write pairs whose texts have the lengths of real ones: a context with evidence, two answers."""
    blocks = _blocks(num_pairs)
    if path.suffix == ".parquet":
        first = pa.Table.from_pylist(next(blocks))
        with parquet.ParquetWriter(path, first.schema) as writer:
            writer.write_table(first)
            for rows in blocks:
                writer.write_table(pa.Table.from_pylist(rows, first.schema))
    elif path.suffix == ".csv":
        first = pa.Table.from_pylist([_flat(row) for row in next(blocks)])
        with csv.CSVWriter(str(path), first.schema) as writer:
            writer.write_table(first)
            for rows in blocks:
                writer.write_table(pa.Table.from_pylist([_flat(row) for row in rows]))
    else:
        packed = zstandard.open if path.suffix == ".zst" else open
        with packed(path, "wt", encoding="utf-8") as file:
            for rows in blocks:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _blocks(num_pairs: int) -> Iterator[list[dict[str, Any]]]:
    draw = random.Random(0)
    words = ["".join(draw.choices("aeinorstlu", k=draw.randint(2, 9))) for _ in range(5000)]
    for start in range(0, num_pairs, _BLOCK):
        yield [_pair(draw, words) for _ in range(start, min(start + _BLOCK, num_pairs))]


def _pair(draw: random.Random, words: Sequence[str]) -> dict[str, Any]:
    def text(shortest: int, longest: int) -> str:
        return " ".join(draw.choices(words, k=draw.randint(shortest, longest)))

    def scores() -> dict[str, float]:
        return {maxim.value: round(draw.random(), 6) for maxim in MAXIMS}

    prompt = (
        f"Context: {text(20, 80)}\nEvidence: {text(10, 60)}\n\nGenerate a cooperative response:"
    )
    return {
        "prompt": prompt,
        "chosen": text(5, 40),
        "rejected": text(5, 40),
        "chosen_scores": scores(),
        "rejected_scores": scores(),
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in row.items() if isinstance(value, str)}
    for side in ("chosen", "rejected"):
        flat |= {f"{side}_{maxim}": value for maxim, value in row[f"{side}_scores"].items()}
    return flat


def _costs(path: Path, python: str, earlier: Path | None) -> dict[str, Cost]:
    costs = {"ours": measure([sys.executable, "-c", _OURS, str(path)], _ROOT)}
    if earlier is not None:
        costs["earlier"] = measure([sys.executable, "-c", _OURS, str(path)], earlier)
    with tempfile.TemporaryDirectory() as cache:
        script = str(_ROOT / "benchmarks" / "ingest_datasets.py")
        costs["datasets"] = measure([python, script, str(path), cache], _ROOT)
    assert costs["ours"].found == costs["datasets"].found, costs
    return costs


def measure(command: Sequence[str], checkout: Path) -> Cost:
    """Run a command that prints its seconds and what it found; watch the memory of its processes."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "2"}
    cores = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else None
    # Python looks for modules in its working directory first, and in PYTHONPATH after that.
    with subprocess.Popen(
        command, env=environment, cwd=checkout, stdout=subprocess.PIPE, text=True
    ) as process:
        watched = psutil.Process(process.pid)
        if cores:
            watched.cpu_affinity(cores)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(watched))
            time.sleep(_LOOK_EVERY_S)
        assert process.stdout is not None
        output = process.stdout.read()
    assert process.returncode == 0, command
    seconds, num_usable, num_problems = output.split()[-3:]
    return Cost(float(seconds), peak, (int(num_usable), int(num_problems)))


def _memory(process: psutil.Process) -> int:
    """Bytes of a process and those that it started; what several share counts once in sum."""
    total = 0
    with suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                full = one.memory_full_info()
                total += getattr(full, "pss", full.rss)
    return total


def _figures(costs: Mapping[str, Cost]) -> dict[str, float]:
    ours = costs["ours"]
    figures = {}
    for name, cost in costs.items():
        if name != "ours":
            figures[f"ratio_{name}"] = round(cost.seconds / ours.seconds, 3)
            figures[f"memory_ratio_{name}"] = round(ours.peak_bytes / cost.peak_bytes, 3)
    return figures


def _show(kind: str, path: Path, num_pairs: int, costs: Mapping[str, Cost]) -> None:
    print(f"{kind}: {num_pairs:,} pairs, {path.stat().st_size / 2**20:,.0f} MiB")
    for name, cost in costs.items():
        print(f"  {name:9} {cost.seconds:8.1f} s {cost.peak_bytes / 2**20:8,.0f} MiB")
    for name, value in _figures(costs).items():
        print(f"  {name:22} {value:6.2f}")
    print(flush=True)


if __name__ == "__main__":
    main()
