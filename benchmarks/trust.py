"""Do the intervals that rest on gold labels hold what they promise? Simulated, and on the demo.

    python -m benchmarks.trust [--experiments 2000] [--demo OUT ...] [--json]

Each cell draws prompts whose answers are alike, a truth, and a detector that errs; labels are drawn at
random. Counted is how often the 95 % interval holds the true rate, or the true change. With --demo, output
folders of `grice demo`: the rules judge 60 random prompts, and the corrected intervals are held
against what the rules say of all answers.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm

from benchmarks.options import add_json, new_parser
from grice_core.data.pairs import FloatArray
from grice_core.demo.corpus import draw_dialogues, new_things
from grice_core.demo.project import NUM_MENTIONS
from grice_core.demo.truth import oracle_outcomes
from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.evaluation.prediction_powered import prediction_powered
from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.true_rates import true_rates
from grice_core.evaluation.violations import MEASURES
from grice_core.maxims import MAXIMS

RATES = (0.03, 0.1, 0.3, 0.9)
CHANGES = ((0.3, 0.1), (0.1, 0.1), (0.9, 0.6), (0.05, 0.02))
ALIKE = 0.3
"""Correlation of the answers to one prompt."""
NUM_GOLD_PROMPTS = 60


@dataclass(frozen=True)
class Cell:
    """One kind of experiment."""

    num_prompts: int
    samples: int
    auroc: float
    num_gold: int


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the truth, in percent."""

    what: str
    cell: Cell
    truth: float
    covered: float


def cells() -> Iterator[Cell]:
    """All that can be: no more labels than answers."""
    for found in itertools.product((30, 100, 300), (1, 5), (0.75, 0.9), (20, 60, 150)):
        cell = Cell(*found)
        if cell.num_gold <= cell.num_prompts * cell.samples:
            yield cell


def draw(cell: Cell, rate: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(M, k) truth and what the detector says."""
    size = (cell.num_prompts, 1)
    of_prompt = rng.beta(rate * (1 / ALIKE - 1), (1 - rate) * (1 / ALIKE - 1), size)
    truth = rng.random((cell.num_prompts, cell.samples)) < of_prompt
    apart = norm.ppf(cell.auroc) * np.sqrt(2)
    scores = rng.normal(size=truth.shape) + apart * truth
    return truth.astype(np.float64), (scores > apart / 2).astype(np.float64)


def labelled(truth: FloatArray, num_gold: int, rng: np.random.Generator) -> FloatArray:
    """The truth of some answers: the first ones of random prompts, then the second ones …"""
    gold = np.full(truth.shape, np.nan)
    order = ((row, k) for k in range(truth.shape[1]) for row in rng.permutation(len(truth)))
    for place in itertools.islice(order, num_gold):
        gold[place] = truth[place]
    return gold


def of_rates(cell: Cell, rate: float, num: int, rng: np.random.Generator) -> Coverage:
    hits = 0
    for _ in range(num):
        truth, judged = draw(cell, rate, rng)
        found = prediction_powered(judged, labelled(truth, cell.num_gold, rng))
        assert found is not None
        interval = found.rate_interval()
        hits += interval.low <= rate <= interval.high
    return Coverage("rate", cell, rate, 100 * hits / num)


def of_changes(
    cell: Cell, rates: tuple[float, float], num: int, rng: np.random.Generator
) -> Coverage:
    hits, change = 0, rates[1] - rates[0]
    for _ in range(num):
        (before, seen_before), (after, seen_after) = (draw(cell, rate, rng) for rate in rates)
        gold = labelled(after - before, cell.num_gold, rng)
        found = prediction_powered(seen_after - seen_before, gold)
        assert found is not None
        interval = found.change_interval()
        hits += interval.low <= change <= interval.high
    return Coverage("change", cell, change, 100 * hits / num)


@dataclass(frozen=True)
class DemoRate:
    """One rate of one model of a demo."""

    folder: str
    model: str
    measure: str
    by_rules: float
    by_detector: float
    plain_holds: bool
    """Whether the detector's own interval holds what the rules say."""
    corrected: float
    holds: bool


def of_demo(folder: Path) -> list[DemoRate]:
    stored = read_evaluation(folder)
    dialogues = draw_dialogues(new_things() * NUM_MENTIONS, stored.seed)
    by_prompt = {each.prompt: each for each in dialogues}
    truths = {model.name: oracle_outcomes(model, by_prompt) for model in stored.models}
    num_prompts = len(stored.models[0].prompts)
    chosen = np.random.default_rng(0).choice(num_prompts, NUM_GOLD_PROMPTS, replace=False)
    labels = GoldLabels(
        [
            Judgement(
                model.prompts[row],
                model.responses[row],
                frozenset(maxim for maxim in MAXIMS if truths[model.name][row, maxim.column]),
            )
            for model in stored.models
            for row in chosen
        ]
    )
    corrected = true_rates(stored.models, labels, stored.config)
    rows = []
    for model in stored.models:
        plain = model_rates(model)
        for place, measure in enumerate(MEASURES):
            by_rules = float(truths[model.name][:, place].mean())
            figure, alone = corrected.rates[model.name][measure], plain[measure]
            rows.append(
                DemoRate(
                    folder.name,
                    model.name,
                    measure,
                    by_rules,
                    alone.rate,
                    alone.interval.low <= by_rules <= alone.interval.high,
                    figure.value,
                    figure.interval.low <= by_rules <= figure.interval.high,
                )
            )
    return rows


def main() -> None:
    """Simulate, print, and say in how many cells the promise is kept."""
    parser = new_parser(__doc__)
    parser.add_argument("--experiments", type=int, default=2000, help="per cell; else %(default)s")
    parser.add_argument("--demo", type=Path, nargs="*", default=[], metavar="OUT")
    add_json(parser)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    found = []
    for cell in track(list(cells()), "cells", disable=options.json):
        found += [of_rates(cell, rate, options.experiments, rng) for rate in RATES]
        found += [of_changes(cell, rates, options.experiments, rng) for rates in CHANGES]
    demo = [row for folder in options.demo for row in of_demo(folder)]
    if options.json:
        print(json.dumps(document(found, demo)))
    else:
        show(found, demo)


def document(found: list[Coverage], demo: list[DemoRate]) -> dict[str, object]:
    """Extremes over all cells, in percent."""
    covered = [each.covered for each in found if each.what == "rate"]
    changes = [each.covered for each in found if each.what == "change"]
    return {
        "coverage_min": min(covered),
        "coverage_max": max(covered),
        "change_coverage_min": min(changes),
        "change_coverage_max": max(changes),
        "demo": [asdict(row) for row in demo],
    }


def show(found: list[Coverage], demo: list[DemoRate]) -> None:
    """A row per cell: the least and the most over its rates, and over its changes."""
    console = Console(width=110)
    table = Table(
        "prompts", "samples", "AUROC", "labels", "rates held, %", "changes held, %", box=None
    )
    for cell, group in itertools.groupby(found, lambda each: each.cell):
        rows = list(group)
        ranges = []
        for what in ("rate", "change"):
            covered = [each.covered for each in rows if each.what == what]
            ranges.append(f"{min(covered):.1f} … {max(covered):.1f}")
        table.add_row(
            *map(str, (cell.num_prompts, cell.samples, cell.auroc, cell.num_gold)), *ranges
        )
    console.print(table)
    for what in ("rate", "change"):
        covered = np.array([each.covered for each in found if each.what == what])
        within = np.mean((covered >= 93.5) & (covered <= 96.5))
        console.print(
            f"{what}s: {covered.min():.1f} to {covered.max():.1f}, mean {covered.mean():.1f}; "
            f"{within:.0%} of {len(covered)} cells within 93.5 and 96.5"
        )
    if demo:
        table = Table(
            "", "model", "measure", "rules", "detector", "held", "corrected", "held", box=None
        )
        for row in demo:
            table.add_row(
                row.folder,
                row.model,
                row.measure,
                f"{100 * row.by_rules:.1f}",
                f"{100 * row.by_detector:.1f}",
                "yes" if row.plain_holds else "no",
                f"{100 * row.corrected:.1f}",
                "yes" if row.holds else "no",
            )
        console.print(table)
        plain, corrected = (sum(getattr(r, n) for r in demo) for n in ("plain_holds", "holds"))
        console.print(f"held: detector {plain}, corrected {corrected} of {len(demo)}")


if __name__ == "__main__":
    main()
