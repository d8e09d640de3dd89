"""A look after each label: how often the intervals that are meant for it ever exclude the truth.

Half of the experiments pick prompts uniformly, half by how doubtful the detector is.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.trust.coverage import CHANGES, RATES, Cell, batches, draw
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.gold_intervals import Figures, change_bounds, rates_beyond
from grice_core.evaluation.picking import pick_chances, pick_weights
from grice_core.evaluation.prediction_powered import LEAST_GOLD, estimate_each

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


@dataclass(frozen=True)
class Picks:
    """Prompts in the order in which they were picked."""

    prompts: list[int]
    relative_chances: list[float]
    """Each one's chance over a uniform one's, among those then left."""


def excludes(
    value: float, what: str, truth: FloatArray, judged: FloatArray, picks: Picks
) -> tuple[bool, bool]:
    """Whether some look after the tenth label excludes this value: by sequences, and by usual intervals.

    Args:
        truth: (M, 1)
        judged: (M, 1)
    """
    looks = np.arange(LEAST_GOLD, len(picks.prompts) + 1)
    gold, chances = np.full((len(looks), *truth.shape), np.nan), np.ones((len(looks), *truth.shape))
    for place, num in enumerate(looks.tolist()):
        picked = picks.prompts[:num]
        gold[place, picked] = truth[picked]
        chances[place, picked, 0] = 1 / pick_weights(picks.relative_chances[:num], len(truth))
    found = estimate_each(judged[None], gold, chances)
    by_sequences, by_usual = (
        not _hold(found, value, what, at_every_look).all() for at_every_look in (True, False)
    )
    return by_sequences, by_usual


def _hold(found: Figures, value: float, what: str, at_every_look: bool) -> BoolArray:
    if what == "rate":
        return rates_beyond(found, np.array([value]), at_every_look) <= 0
    return change_bounds(found, at_every_look).hold(value)


def pick_in_order(doubt: FloatArray, num: int, rng: np.random.Generator) -> list[Picks]:
    """Prompts one after another, picked as `pick_chances` says.

    Args:
        doubt: (E, M) for each of E experiments.
    """
    experiments = np.arange(len(doubt))
    left = np.ones(doubt.shape, dtype=np.bool_)
    prompts = np.empty((len(doubt), num), dtype=np.int64)
    relative = np.empty((len(doubt), num))
    for place in range(num):
        chances = pick_chances(doubt, left)
        reached = chances.cumsum(axis=1)
        where = rng.random((len(doubt), 1)) * reached[:, -1:]
        picked = (reached <= where).sum(axis=1)
        relative[:, place] = chances[experiments, picked] * (doubt.shape[1] - place)
        prompts[:, place] = picked
        left[experiments, picked] = False
    return [Picks(*each) for each in zip(prompts.tolist(), relative.tolist(), strict=True)]


def peeking(num: int, rng: np.random.Generator) -> Iterator[Peeking]:
    """Every cell, `num` experiments each."""
    for num_prompts, auroc in itertools.product(NUM_PROMPTS, AUROCS):
        cell = Cell(num_prompts, 1, auroc, min(MOST_LABELS, num_prompts))
        for rates in (*((rate,) for rate in RATES), *CHANGES):
            what = "rate" if len(rates) == 1 else "change"
            value = rates[0] if what == "rate" else rates[1] - rates[0]
            hits = np.zeros(2)
            for count in batches(num):
                truth, judged = draw(cell, rates[-1], count, rng)
                if what == "change":
                    before, seen_before = draw(cell, rates[0], count, rng)
                    truth, judged = truth - before, judged - seen_before
                picks = pick_in_order(_doubt(judged, rng), cell.num_gold, rng)
                for each in zip(truth, judged, picks, strict=True):
                    hits += excludes(value, what, *each)
            excluded, planned = (100 * hits / num).tolist()
            yield Peeking(what, num_prompts, auroc, value, excluded, planned)


def _doubt(judged: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(E, M) how doubtful the detector is of (E, M, 1), in every second experiment of nothing in particular.

    Where it sees a violation, or a change, it is asked twice as often.
    """
    doubt: FloatArray = (0.2 + 0.8 * rng.random(judged.shape[:2])) * (1 + np.abs(judged[..., 0]))
    doubt[1::2] = 1
    return doubt


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
