"""What a second recipe costs where earlier work is kept: a sweep against as many separate pipelines.

    python -m benchmarks.sweep [--recipes 8] [--vary stage2.beta] [--pairs 2500] [--json]

The demo's pipeline, with recipes that differ in one number. Each runs twice: by itself, and with what the
recipes before it have kept. They take turns, so that both see the machine alike; what counts is processor
time, which other work on the machine hardly changes, and the clock is printed beside it. The results of
both are compared, answer by answer.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.options import add_json, new_parser
from grice_core.demo.project import NUM_PAIRS, RECIPE
from grice_core.demo.run import DemoConfig, DemoResult, run_demo
from grice_core.kept import Kept
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore

_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Taken:
    """What one pipeline took."""

    processor_s: float
    clock_s: float


@dataclass(frozen=True)
class Row:
    """One recipe, by itself and with what those before it kept."""

    changed: str
    separate: Taken
    shared: Taken


def main() -> None:
    """The command."""
    parser = new_parser(__doc__)
    parser.add_argument("--recipes", type=int, default=8, help="how many; else %(default)s")
    parser.add_argument(
        "--vary", default="stage2.beta", help="the number that differs; else %(default)s"
    )
    parser.add_argument(
        "--pairs", type=int, default=NUM_PAIRS, help="of the demo's data; else %(default)s"
    )
    add_json(parser)
    asked = parser.parse_args()
    rows = sweep(asked.recipes, asked.vary, asked.pairs)
    if asked.json:
        document = {"ratio": ratio(rows, "processor_s"), "ratio_clock": ratio(rows, "clock_s")}
        print(json.dumps({"recipes": len(rows), "vary": asked.vary} | document))
    else:
        Console(width=100).print(_table(rows, asked.vary))


def sweep(num_recipes: int, vary: str, num_pairs: int) -> list[Row]:
    """Run every recipe both ways. Exits if the results differ."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = KeptWork(ObjectStore((folder / "kept").as_uri()), _MOST_BYTES)
        for number in range(num_recipes):
            changed = f"{vary}={0.1 + 0.02 * number:.2f}"
            alone, separate = _timed(folder / "alone", changed, num_pairs, None)
            helped, shared = _timed(folder / "helped", changed, num_pairs, kept)
            if _answers(alone) != _answers(helped):
                sys.exit(f"{changed}: what was kept gives other answers than the pipeline itself")
            rows.append(Row(changed, separate, shared))
            print(
                f"{changed}: {separate.processor_s:.1f} s of processor time by itself, "
                f"{shared.processor_s:.1f} s with what was kept; in all {ratio(rows, 'processor_s')}",
                file=sys.stderr,
                flush=True,
            )
    return rows


def ratio(rows: Sequence[Row], figure: str) -> float:
    """Of all shared pipelines to all separate ones."""
    shared: float = sum(getattr(row.shared, figure) for row in rows)
    separate: float = sum(getattr(row.separate, figure) for row in rows)
    return round(shared / separate, 3)


def _timed(out: Path, changed: str, num_pairs: int, kept: Kept | None) -> tuple[DemoResult, Taken]:
    recipe = load_recipe(RECIPE, [changed])
    config = DemoConfig(out, recipe=recipe, num_pairs=num_pairs, overwrite=True)
    processor, clock = time.process_time(), time.perf_counter()
    result = run_demo(config, kept=kept)
    taken = Taken(time.process_time() - processor, time.perf_counter() - clock)
    return result, taken


def _answers(result: DemoResult) -> list[list[str]]:
    return [list(model.responses) for model in result.pipeline.evaluation.models]


def _table(rows: Sequence[Row], vary: str) -> Table:
    table = Table(title=f"The demo with {len(rows)} recipes that differ in {vary}")
    for heading in ("recipe", "separate, processor", "shared", "separate, clock", "shared"):
        table.add_column(heading, justify="left" if heading == "recipe" else "right")
    for row in rows:
        table.add_row(
            row.changed,
            f"{row.separate.processor_s:.1f} s",
            f"{row.shared.processor_s:.1f} s",
            f"{row.separate.clock_s:.1f} s",
            f"{row.shared.clock_s:.1f} s",
        )
    table.caption = (
        f"shared to separate: {ratio(rows, 'processor_s')} of processor time, "
        f"{ratio(rows, 'clock_s')} by the clock"
    )
    return table


if __name__ == "__main__":
    main()
