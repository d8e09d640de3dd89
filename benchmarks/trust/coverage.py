"""How often 95 % intervals that rest on gold labels hold the truth, over many kinds of experiments.

Each cell draws prompts whose answers are alike, a truth, and a detector that errs; labels are drawn at random.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import norm

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.gold_intervals import change_bounds, rates_beyond
from grice_core.evaluation.prediction_powered import estimate_each

RATES = (0.03, 0.1, 0.3, 0.9)
CHANGES = ((0.3, 0.1), (0.1, 0.1), (0.9, 0.6), (0.05, 0.02))
ALIKE = 0.3
"""Correlation of the answers to one prompt."""
_AT_ONCE = 100


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


def draw(
    cell: Cell, rate: float, num: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(num, M, k) truth and what the detector says."""
    size = (num, cell.num_prompts, 1)
    of_prompt = rng.beta(rate * (1 / ALIKE - 1), (1 - rate) * (1 / ALIKE - 1), size)
    truth = rng.random((num, cell.num_prompts, cell.samples)) < of_prompt
    apart = norm.ppf(cell.auroc) * np.sqrt(2)
    scores = rng.normal(size=truth.shape) + apart * truth
    return truth.astype(np.float64), (scores > apart / 2).astype(np.float64)


def labelled(truth: FloatArray, num_gold: int) -> FloatArray:
    """The truth of some answers: the first ones of prompts, which are alike, then the second ones …"""
    num_prompts, samples = truth.shape[-2:]
    place = np.arange(num_prompts * samples).reshape(samples, num_prompts).T
    return np.where(place < num_gold, truth, np.nan)


def of_rates(cell: Cell, rate: float, num: int, rng: np.random.Generator) -> Coverage:
    hits = 0
    for count in batches(num):
        truth, judged = draw(cell, rate, count, rng)
        found = estimate_each(judged, labelled(truth, cell.num_gold))
        hits += int((rates_beyond(found, np.array([rate])) <= 0).sum())
    return Coverage("rate", cell, rate, 100 * hits / num)


def of_changes(
    cell: Cell, rates: tuple[float, float], num: int, rng: np.random.Generator
) -> Coverage:
    hits, change = 0, rates[1] - rates[0]
    for count in batches(num):
        (before, seen_before), (after, seen_after) = (
            draw(cell, rate, count, rng) for rate in rates
        )
        found = estimate_each(seen_after - seen_before, labelled(after - before, cell.num_gold))
        hits += int(change_bounds(found).hold(change).sum())
    return Coverage("change", cell, change, 100 * hits / num)


def batches(num: int) -> Iterator[int]:
    """So many experiments at once, which fit a processor's cache, until there are enough."""
    yield from (min(_AT_ONCE, num - start) for start in range(0, num, _AT_ONCE))


def coverage(num: int, rng: np.random.Generator) -> Iterator[Coverage]:
    """All rates and changes of a cell, one cell after the other."""
    for cell in cells():
        yield from (of_rates(cell, rate, num, rng) for rate in RATES)
        yield from (of_changes(cell, rates, num, rng) for rates in CHANGES)


def document(found: list[Coverage]) -> dict[str, float]:
    """Extremes over all cells, in percent."""
    rates = [each.covered for each in found if each.what == "rate"]
    changes = [each.covered for each in found if each.what == "change"]
    return {
        "coverage_min": min(rates + changes),
        "coverage_max": max(rates + changes),
        "rate_coverage_min": min(rates),
        "rate_coverage_max": max(rates),
        "change_coverage_min": min(changes),
        "change_coverage_max": max(changes),
    }


def show(found: list[Coverage], console: Console) -> None:
    """A row per cell: the least and the most over its rates, and over its changes."""
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
        all_of = np.array([each.covered for each in found if each.what == what])
        within = np.mean((all_of >= 93.5) & (all_of <= 96.5))
        console.print(
            f"{what}s: {all_of.min():.1f} to {all_of.max():.1f}, mean {all_of.mean():.1f}; "
            f"{within:.0%} of {len(all_of)} cells within 93.5 and 96.5"
        )
