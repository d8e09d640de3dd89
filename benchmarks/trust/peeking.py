"""A look after each label: how often the intervals that are meant for it ever exclude the truth.

Half of the experiments pick prompts uniformly, half by how doubtful the detector is.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.trust.coverage import CHANGES, RATES, Cell, draw
from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.picking import pick_chances, pick_weights
from grice_core.evaluation.prediction_powered import LEAST_GOLD, Estimate, prediction_powered

NUM_PROMPTS = (30, 100, 300)
AUROCS = (0.75, 0.9)
MOST_LABELS = 150


@dataclass(frozen=True)
class Peeking:
    """One kind of experiment."""

    what: str
    num_prompts: int
    auroc: float
    truth: float
    excluded: float
    """Experiments in which some look excluded the truth, in percent."""
    planned: float
    """The same by the usual intervals, which are meant for one planned look."""


def excludes(
    truth: FloatArray,
    judged: FloatArray,
    value: float,
    what: str,
    picks: list[int],
    relative: list[float],
) -> tuple[bool, bool]:
    """Whether some look after the tenth label excludes this value: by sequences, and by usual intervals."""
    found = [False, False]
    for num in range(LEAST_GOLD, len(picks) + 1):
        gold, chances = np.full(truth.shape, np.nan), np.ones(truth.shape)
        gold[picks[:num]] = truth[picks[:num]]
        chances[picks[:num], 0] = 1 / pick_weights(relative[:num], len(truth))
        estimate = prediction_powered(judged, gold, chances)
        assert estimate is not None
        for place, at_every_look in enumerate((True, False)):
            interval = _interval(estimate, what, at_every_look)
            found[place] |= not interval.low <= value <= interval.high
        if all(found):
            break
    return found[0], found[1]


def pick_in_order(
    doubt: FloatArray, num: int, rng: np.random.Generator
) -> tuple[list[int], list[float]]:
    """Prompts one after another, and each one's chance over a uniform one's."""
    left = np.ones(len(doubt), dtype=np.bool_)
    picks: list[int] = []
    relative: list[float] = []
    for _ in range(num):
        chances = pick_chances(doubt, left)
        pick = int(rng.choice(len(doubt), p=chances))
        relative.append(float(chances[pick] * left.sum()))
        picks.append(pick)
        left[pick] = False
    return picks, relative


def peeking(num: int, rng: np.random.Generator) -> Iterator[Peeking]:
    """Every cell, `num` experiments each."""
    for num_prompts, auroc in itertools.product(NUM_PROMPTS, AUROCS):
        cell = Cell(num_prompts, 1, auroc, min(MOST_LABELS, num_prompts))
        for rates in (*((rate,) for rate in RATES), *CHANGES):
            what = "rate" if len(rates) == 1 else "change"
            value = rates[0] if what == "rate" else rates[1] - rates[0]
            hits = np.zeros(2)
            for place in range(num):
                truth, judged = draw(cell, rates[-1], rng)
                doubt = np.ones(num_prompts) if place % 2 else 0.2 + 0.8 * rng.random(num_prompts)
                if what == "change":
                    before, seen_before = draw(cell, rates[0], rng)
                    truth, judged = truth - before, judged - seen_before
                if (
                    not place % 2
                ):  # where the detector sees a violation, or a change, it is asked twice as often
                    doubt *= 1 + np.abs(judged[:, 0])
                hits += excludes(
                    truth, judged, value, what, *pick_in_order(doubt, cell.num_gold, rng)
                )
            excluded, planned = (100 * hits / num).tolist()
            yield Peeking(what, num_prompts, auroc, value, excluded, planned)


def document(found: list[Peeking]) -> dict[str, float]:
    """The worst cell, in percent."""
    return {"peeking_error": max(one.excluded for one in found)}


def show(found: list[Peeking], console: Console) -> None:
    """A row per cell."""
    table = Table(
        "", "prompts", "AUROC", "truth", "ever excluded, %", "by usual intervals, %", box=None
    )
    for one in found:
        table.add_row(
            one.what,
            str(one.num_prompts),
            str(one.auroc),
            f"{100 * one.truth:.0f} %",
            f"{one.excluded:.1f}",
            f"{one.planned:.1f}",
        )
    console.print(table)


def _interval(estimate: Estimate, what: str, at_every_look: bool) -> Interval:
    if what == "rate":
        return estimate.rate_interval(at_every_look)
    return estimate.change_interval(at_every_look)
