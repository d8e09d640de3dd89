"""See the package."""

import argparse
import importlib.metadata
import signal
import sys
import tempfile
from pathlib import Path

import torch

import benchmarks.gpu as package
from benchmarks.gpu.parts import all_parts
from benchmarks.gpu.results import Results, Row
from benchmarks.gpu.running import Clock, run_parts
from benchmarks.gpu.setting import Setting
from benchmarks.options import add_json, new_parser
from benchmarks.trainer.work import write_pairs

TO_REHEARSE = 16
"""Pairs of a rehearsal."""


def main() -> int:
    parser = new_parser(package.__doc__)
    parser.add_argument("--minutes", type=float, default=8, help="for everything; else %(default)s")
    parser.add_argument("--out", type=Path, help="folder for results.jsonl, table.txt and profiles")
    parser.add_argument("--rehearse", action="store_true", help="all of it, tiny, on the CPU")
    parser.add_argument("--pairs", type=int, default=512, help="to train on; else %(default)s")
    parser.add_argument(
        "--data", type=Path, help="scored pairs; else ../shared/data, or synthetic ones"
    )
    parser.add_argument(
        "--part", action="append", help="this part only; may be given more than once"
    )
    add_json(parser)
    arguments = parser.parse_args()
    if not arguments.rehearse and not torch.cuda.is_available():
        parser.error("torch sees no GPU here: --rehearse runs everything, tiny, on the CPU")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was found is still shown
    results = Results(arguments.out, prints=arguments.json)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            _run(arguments, Path(home), results)
    finally:
        table = results.table()
        if not arguments.json:
            print(table)
    return 0 if results.is_right else 1


def _run(arguments: argparse.Namespace, home: Path, results: Results) -> None:
    setting = Setting(
        device="cpu" if arguments.rehearse else "cuda",
        rehearse=arguments.rehearse,
        num_pairs=TO_REHEARSE if arguments.rehearse else arguments.pairs,
        pairs=home / "pairs.json",
        home=home,
        out=arguments.out and arguments.out.resolve(),
    )
    origin = write_pairs(setting.pairs, setting.num_pairs, arguments.data)
    chosen = [
        part for part in all_parts(setting) if not arguments.part or part.name in arguments.part
    ]
    clock = Clock(arguments.minutes * 60, chosen)
    results.add(Row(_machine(setting), origin, who="", part="machine"))
    for row in run_parts(chosen, setting, clock):
        results.add(row)


def _machine(setting: Setting) -> str:
    """The device, and the versions that matter."""
    name = "CPU" if setting.rehearse else torch.cuda.get_device_name()
    count = "" if setting.rehearse else f" × {torch.cuda.device_count()}"
    packages = importlib.metadata.packages_distributions()  # vLLM's for a CPU has another name
    found = [
        f"{name} {importlib.metadata.version(name)}"
        for module in ("torch", "transformers", "peft", "trl", "swift", "vllm")
        for name in sorted(set(packages.get(module, ())))
    ]
    return f"{name}{count}; {', '.join(found)}"


if __name__ == "__main__":
    sys.exit(main())
