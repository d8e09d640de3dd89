"""See the package."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import benchmarks.trainer as package
from benchmarks.options import add_device, add_json, add_memory_options, add_size, new_parser
from benchmarks.trainer.before import ours_before
from benchmarks.trainer.contenders import run
from benchmarks.trainer.measuring import Cost, Pass, Products, products_of
from benchmarks.trainer.report import Contest, document, show
from benchmarks.trainer.work import Work, write_pairs
from grice_core.kernels.precision import multiplies_bf16_fast, resolve_device


def main() -> None:
    parser = new_parser(package.__doc__)
    parser.add_argument("--pairs", type=int, default=32, help="to train on; else %(default)s")
    add_size(parser)
    parser.add_argument(
        "--data", type=Path, help="scored pairs; else ../shared/data, or synthetic ones"
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        action="append",
        help="may be given twice; else fp32, and bf16 where it is fast",
    )
    parser.add_argument(
        "--without",
        choices=("trl", "notebook"),
        action="append",
        default=[],
        help="leave this contender out; may be given twice",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="a checkout of an earlier commit, measured beside",
    )
    add_memory_options(parser)
    add_device(parser)
    add_json(parser)
    arguments = parser.parse_args()
    contests: dict[str, Contest] = {}
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.json"
        origin = write_pairs(pairs, arguments.pairs, arguments.data)
        for work in _works(arguments, pairs):
            contests[work.precision] = _measure(work, arguments.without, arguments.against)
            if not arguments.json:
                show(work, origin, contests[work.precision])
    if arguments.json:
        print(json.dumps(document(contests), indent=2))


def _works(arguments: argparse.Namespace, pairs: Path) -> Iterator[Work]:
    fast = multiplies_bf16_fast(resolve_device(arguments.device))
    for precision in arguments.precision or (("fp32", "bf16") if fast else ("fp32",)):
        home = pairs.parent / precision
        yield Work(
            pairs,
            arguments.pairs,
            arguments.size,
            precision,
            arguments.device,
            home,
            arguments.base_dtype,
            arguments.gradient_checkpointing,
        )


def _measure(work: Work, without: Sequence[str], against: Path | None) -> Contest:
    before = _alone(products_of, work)
    earlier = None if against is None else ours_before(work, against)
    first = _contend("ours", work)
    second = _contend("ours", work, first.flops_per_token)
    after = _alone(products_of, work)  # a machine that others use changes by a tenth
    products = Products(
        peak=max(before.peak, after.peak), average=(before.average + after.average) / 2
    )
    others: dict[str, Cost] = {}
    if "trl" not in without:
        others["trl"] = _contend("trl", work)
    if "notebook" not in without:
        others["notebook"] = _contend("notebook", replace(work, precision="fp32"))
    return Contest(products, first, second, others, earlier)


def _contend(name: str, work: Work, flops_per_token: Mapping[Pass, float] | None = None) -> Cost:
    cost: Cost = _alone(run, name, work, flops_per_token)
    print(
        f"{name}: {cost.seconds:.0f} s, {cost.cpu_s:.0f} CPU s, {cost.peak_bytes / 2**20:,.0f} MiB",
        file=sys.stderr,
    )
    return cost


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


if __name__ == "__main__":
    main()
