"""See the package."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

import benchmarks.trust as package
from benchmarks import fooled
from benchmarks.options import add_json, new_parser
from benchmarks.trust import coverage, demo, peeking, stopping

NUM_GOLD = 60
"""Prompts of a demo that the rules label."""


@dataclass(frozen=True)
class Part:
    """One kind of simulation."""

    run: Callable[[int, np.random.Generator], Iterator[Any]]
    """From experiments per cell: what was found, cell by cell."""
    document: Callable[[list[Any]], Mapping[str, float | None]]
    show: Callable[[list[Any], Console], None]
    share: float = 1.0
    """Of --experiments that are worth their time."""


PARTS = {
    "coverage": Part(coverage.coverage, coverage.document, coverage.show),
    "peeking": Part(peeking.peeking, peeking.document, peeking.show),
    "stopping": Part(stopping.stops, stopping.document, stopping.show, 0.05),
    "alarm": Part(fooled.alarms, fooled.document, fooled.show, 0.1),
}


def main() -> None:
    """Simulate, print, and say in how many cells the promise is kept."""
    parser = new_parser(package.__doc__)
    parser.add_argument("--experiments", type=int, default=2000, help="per cell; else %(default)s")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--demo", type=Path, nargs="*", default=[], metavar="OUT")
    add_json(parser)
    options = parser.parse_args()
    console = Console(width=110)
    document: dict[str, object] = {}
    for name in options.only:
        part = PARTS[name]
        num = max(int(part.share * options.experiments), 1)
        found = list(_tracked(part.run(num, np.random.default_rng(0)), name, options.json))
        document |= part.document(found)
        if not options.json:
            console.rule(f"{name}: {num:,} experiments a cell")
            part.show(found, console)
    rows = [each for folder in options.demo for each in demo.figures_of(folder, NUM_GOLD)]
    if options.json:
        print(json.dumps(document | (demo.document(rows) if rows else {})))
    elif rows:
        demo.show(rows, Console(width=190))


def _tracked(found: Iterable[Any], name: str, is_quiet: bool) -> Iterable[Any]:
    return track(found, name, disable=is_quiet)


if __name__ == "__main__":
    main()
