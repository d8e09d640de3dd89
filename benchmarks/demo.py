"""Does the demo learn, and does staging help? Several seeds, sequential against joint.

    python -m benchmarks.demo [--seeds 3] [--out out/benchmark-demo] [--models DIR]
    python -m benchmarks.demo --rounds 2 [--seeds 0,1,2] [--samples 4] [--set round.num_steps=200] [--json]

Sequential trains content, then manner; joint trains all four maxims at once, on the same pairs
and for as many optimizer steps. Every pipeline is run for real, which takes some minutes each;
seeds differ in facts, pairs, training and sampling.

With --rounds: after stage 2 the model goes through rounds of pairs that it samples itself, against a control of as many
steps on the pairs that are there already (`benchmarks/demo_rounds.py`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.demo_rounds import add_options, compare_rounds
from benchmarks.options import add_json, new_parser
from grice_core.cli.terminal import progress_bars
from grice_core.data.pairs import FloatArray
from grice_core.demo.run import DemoConfig, DemoResult, run_demo
from grice_core.evaluation.intervals import paired_interval, wilson_interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.violations import COOPERATIVE, MEASURES
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe

WIDTH = 130
"""Columns of the table, which is not to be cut where there is no terminal."""

JOINT = Path(__file__).with_name("demo-joint.yaml")


@dataclass(frozen=True)
class Row:
    """One model on one seed, or on all of them."""

    seed: str
    model: str
    outcomes: FloatArray
    """(N, 5) 0 or 1 in the order of `MEASURES`."""
    by_the_rules: float
    """Cooperative rate according to the rules that made the world."""
    agreement: float
    """Share of the responses on whose cooperation detector and rules agree."""
    seconds: float


def run_seed(name: str, seed: int, out: Path, models: Path | None) -> list[Row]:
    """One recipe on one seed: baseline and each stage, or the joint control."""
    recipe = load_recipe(JOINT) if name == "joint" else load_recipe("demo")
    config = DemoConfig(out / f"{name}-{seed}", seed, models, recipe=recipe, overwrite=True)
    with progress_bars() as progress:
        result = run_demo(config, Reporter(progress))
    return rows_of(result, str(seed), "joint" if name == "joint" else None)


def rows_of(result: DemoResult, seed: str, joint: str | None) -> list[Row]:
    """A row per model; of the joint control only the trained one, called `joint`."""
    models = result.pipeline.evaluation.models[1 if joint else 0 :]
    judged = {one.model: one for one in result.judged}
    seconds = result.pipeline.record["seconds"]["all"]
    return [
        Row(
            seed,
            joint or m.name,
            m.outcomes.astype(float),
            judged[m.name].oracle[COOPERATIVE],
            judged[m.name].agreement[COOPERATIVE],
            seconds,
        )
        for m in models
    ]


def pooled(rows: list[Row], model: str) -> Row:
    """One model over all seeds, whose prompts differ."""
    own = [row for row in rows if row.model == model]
    return Row(
        "all",
        model,
        np.concatenate([row.outcomes for row in own]),
        float(np.mean([row.by_the_rules for row in own])),
        float(np.mean([row.agreement for row in own])),
        float(np.mean([row.seconds for row in own])),
    )


def print_table(console: Console, rows: list[Row]) -> None:
    """Rates in percent by the detector; the cooperative rate with its interval, and by the rules."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("seed", "model"):
        table.add_column(title, no_wrap=True)
    for title in (*MEASURES, "95 %", "by the rules", "agree", "pipeline"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        rates = [percent(rate) for rate in row.outcomes.mean(axis=0)]
        interval = percent_interval(wilson_interval(row.outcomes[:, -1:]))
        truth = (percent(row.by_the_rules), percent(row.agreement))
        table.add_row(row.seed, row.model, *rates, interval, *truth, f"{row.seconds:.0f} s")
    console.print(table)


def compare(console: Console, after: Row, before: Row) -> None:
    """How the cooperative rate of two models differs, prompt by prompt."""
    differences = after.outcomes[:, -1] - before.outcomes[:, -1]
    change, interval = float(differences.mean()), paired_interval(differences)
    console.print(
        f"cooperative, {after.model} against {before.model}: "
        f"{points(change)} points {points_interval(interval)}"
    )


def seeds_of(text: str) -> tuple[int, ...]:
    """`3` → 0, 1, 2; `0,2` → 0 and 2."""
    if "," in text:
        return tuple(int(each) for each in text.split(",") if each)
    return tuple(range(int(text)))


def main() -> None:
    """Run, print the rows of each pipeline as they come, then those of all seeds."""
    parser = new_parser(__doc__)
    parser.add_argument(
        "--seeds",
        type=seeds_of,
        default=seeds_of("3"),
        help="how many, from 0 on, or which ones (0,2 or 1,); else 3",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out/benchmark-demo"),
        help="folder for the runs; else %(default)s",
    )
    parser.add_argument(
        "--models", type=Path, help="that `grice demo build` wrote; else the package's"
    )
    add_options(parser)
    add_json(parser)
    options = parser.parse_args()
    if options.rounds is not None:
        compared = compare_rounds(options, None if options.json else Console(width=WIDTH))
        if options.json:
            print(json.dumps(compared, indent=2))
        return
    console = Console(width=WIDTH)
    rows: list[Row] = []
    for name in ("sequential", "joint"):
        for seed in options.seeds:
            found = run_seed(name, seed, options.out, options.models)
            print_table(console, found)
            rows += found
    names = list(dict.fromkeys(row.model for row in rows))
    overall = {name: pooled(rows, name) for name in names}
    console.print()
    print_table(console, list(overall.values()))
    last = names[-2]
    compare(console, overall[last], overall[names[0]])
    compare(console, overall[last], overall["joint"])


if __name__ == "__main__":
    main()
