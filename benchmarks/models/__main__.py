"""See the package."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import benchmarks.models as package
from benchmarks.models.examining import examine
from benchmarks.models.outcome import PRECISIONS, Outcome, Task
from benchmarks.models.page import models_page
from benchmarks.models.workers import Pool, examine_all
from benchmarks.options import add_json, new_parser
from grice_core.files import write_text_atomic
from grice_core.pipeline.record import versions
from tests.models.architectures import ARCHITECTURES

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def main() -> None:
    parser = _parser()
    arguments = parser.parse_args()
    names = arguments.only or list(ARCHITECTURES)
    if unknown := [name for name in names if name not in ARCHITECTURES]:
        parser.error(f"--only {unknown[0]}: the table has no such type")
    tasks = [Task(name, precision) for name in names for precision in PRECISIONS]
    outcomes = _run(tasks, Pool(examine, arguments.jobs, arguments.timeout))
    if not arguments.only:
        write_text_atomic(arguments.page, models_page(outcomes, versions()))
    if arguments.json:
        print(json.dumps([outcome.document() for outcome in outcomes], indent=2))
    else:
        _summarise(outcomes)
    sys.exit(any(outcome.result == "failed" for outcome in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(package.__doc__)
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="worker processes, of one thread each; else one for each core",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="types of the table; else all")
    parser.add_argument(
        "--timeout", type=float, default=600, metavar="S", help="for one row; else %(default)s"
    )
    parser.add_argument(
        "--page", type=Path, default=PAGE, help="file to write; else docs/models.md"
    )
    add_json(parser)
    return parser


def _run(tasks: Sequence[Task], pool: Pool) -> list[Outcome]:
    """All outcomes in the order of the tasks; each is printed to stderr as it comes."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers, which take over the environment
    started = time.perf_counter()
    found: dict[Task, Outcome] = {}
    for outcome in examine_all(tasks, pool):
        found[Task(outcome.name, outcome.precision)] = outcome
        failed = outcome.result == "failed"
        reason = outcome.why if failed else ", ".join(filter(None, (outcome.result, outcome.why)))
        print(
            f"[{len(found):>{len(str(len(tasks)))}}/{len(tasks)}, {time.perf_counter() - started:.0f} s] "
            f"{outcome.name} {outcome.precision}: {reason}",
            file=sys.stderr,
            flush=True,
        )
    return [found[task] for task in tasks]


def _summarise(outcomes: Sequence[Outcome]) -> None:
    """Counts by precision and result."""
    for precision in PRECISIONS:
        counts = Counter(o.result for o in outcomes if o.precision == precision)
        print(f"{precision}: " + ", ".join(f"{n} {result}" for result, n in counts.items()))


if __name__ == "__main__":
    main()
