"""How often does the fooled-judge alarm ring where no judge is fooled, and where one is?

    python -m benchmarks.fooled [--experiments 200] [--seed 0] [--json]
    python -m benchmarks.fooled --build-judge DIR        # the demo's second judge, some minutes

Each experiment is a pipeline: a baseline and two stages whose answers really get better (or stay as they are), four
maxims, two judges that err. Answers to one prompt resemble each other, within a model and between models; errors on one
answer resemble each other between the judges. Without displacement a judge's errors depend on the truth alone. With
displacement, a part of stage 2's violations of manner is made invisible to the training judge.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm

from benchmarks.options import add_json, new_parser
from grice_core.cli.terminal import progress_bars
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation import intervals
from grice_core.evaluation.fooled import Fooled, compare_judges
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import Maxim

ALIKE = 0.3
"""Correlation of the answers to one prompt, and of a judge's errors on them."""
STAGES = ("baseline", "stage1", "stage2")
IMPROVING = ((0.35, 0.01, 0.01), (0.22, 0.04, 0.04), (0.15, 0.06, 0.06), (0.12, 0.06, 0.01))
"""True violation rates by maxim, then by model: about those of the demo."""
UNCHANGED = ((0.35,) * 3, (0.22,) * 3, (0.15,) * 3, (0.1,) * 3)
HIDDEN = 0.9
"""With displacement: the share of stage 2's violations of manner, as many as the baseline's, that the
training judge no longer sees."""


@dataclass(frozen=True)
class Judges:
    """Two judges that err."""

    aurocs: tuple[float, float]
    thresholds: tuple[float, float]
    """Where they cut: 0 at the mean of good answers' scores, 1 at that of violations; low ones fault much."""
    shared: float
    """Correlation of their errors on one answer."""


JUDGES = (
    Judges((0.95, 0.95), (0.5, 0.5), 0.0),
    Judges((0.98, 0.85), (0.5, 0.5), 0.3),
    Judges((0.95, 0.9), (0.7, 0.3), 0.3),
    Judges((0.9, 0.98), (0.6, 0.5), 0.6),
    Judges((0.995, 0.995), (0.5, 0.5), 0.3),
)
"""The last ones are about as sharp as the demo's."""


@dataclass(frozen=True)
class Cell:
    """One kind of experiment."""

    num_prompts: int
    samples: int
    judges: Judges
    rates: tuple[tuple[float, ...], ...]


def cells() -> Iterator[Cell]:
    """All that can be."""
    sizes = ((30, 1), (100, 1), (300, 1), (100, 5))
    for (num, samples), judges, rates in itertools.product(sizes, JUDGES, (IMPROVING, UNCHANGED)):
        yield Cell(num, samples, judges, rates)


def draw(
    cell: Cell, rng: np.random.Generator, hidden: float = 0.0
) -> tuple[list[EvaluatedModel], list[EvaluatedModel]]:
    """A pipeline's models by both judges.

    Args:
        hidden: this share of stage 2's violations of manner looks fine to the training judge.
    """
    shape = cell.num_prompts, cell.samples
    of_prompt = rng.normal(size=(4, cell.num_prompts, 1))
    of_judge = rng.normal(size=(2, 4, cell.num_prompts, 1))
    by_judge: tuple[list[EvaluatedModel], list[EvaluatedModel]] = ([], [])
    prompts = [f"p{row}" for row in range(cell.num_prompts) for _ in range(cell.samples)]
    for place, name in enumerate(STAGES):
        scores = np.empty((2, *shape, 4))
        for maxim in range(4):
            noise = _alike(of_prompt[maxim], shape, rng)
            truth: BoolArray = noise < norm.ppf(cell.rates[maxim][place])
            both = rng.normal(size=shape)
            unseen = (rng.random(shape) < hidden) & (name == STAGES[-1])
            for judge in range(2):
                own = _alike(of_judge[judge, maxim], shape, rng)
                error = np.sqrt(cell.judges.shared) * both + np.sqrt(1 - cell.judges.shared) * own
                apart = norm.ppf(cell.judges.aurocs[judge]) * np.sqrt(2)
                seen = truth & ~(unseen & (judge == 0) & (maxim == Maxim.MANNER.column))
                scores[judge, ..., maxim] = error + apart * (seen - cell.judges.thresholds[judge])
        for judge, models in enumerate(by_judge):
            models.append(
                EvaluatedModel(name, prompts, prompts, scores[judge].reshape(-1, 4), np.zeros(4))
            )
    return by_judge


def _alike(of_prompt: FloatArray, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """(M, k) normal numbers, those of a prompt correlated."""
    found: FloatArray = np.sqrt(ALIKE) * of_prompt + np.sqrt(1 - ALIKE) * rng.normal(size=shape)
    return found


@contextmanager
def few_draws() -> Iterator[None]:
    """Bootstrap intervals, which no alarm looks at, made in passing."""
    usual = intervals.NUM_DRAWS
    intervals.NUM_DRAWS = 2
    try:
        yield
    finally:
        intervals.NUM_DRAWS = usual


def share_with_alarm(
    cell: Cell, experiments: int, rng: np.random.Generator, hidden: float = 0.0, about: str = ""
) -> float:
    """Share of the pipelines in which the alarm rings (about this measure, if one is named), in percent."""
    rung = 0
    for _ in range(experiments):
        with few_draws():
            found = compare_judges(*draw(cell, rng, hidden))
        rung += any(each.fooled is not Fooled.NO and about in ("", each.measure) for each in found)
    return 100 * rung / experiments


@dataclass(frozen=True)
class Alarms:
    """How often the alarm rings in one kind of experiment, in percent."""

    cell: Cell
    false: float
    caught: float | None
    """About manner, where stage 2 violates it as often as the baseline but most of that is hidden."""


def alarms(experiments: int, rng: np.random.Generator) -> Iterator[Alarms]:
    """All kinds, each so often."""
    for cell in cells():
        false = share_with_alarm(cell, experiments, rng)
        caught = None
        if cell.rates is IMPROVING:
            same = (*cell.rates[:3], (0.12, 0.06, 0.12))
            displaced = Cell(cell.num_prompts, cell.samples, cell.judges, same)
            caught = share_with_alarm(displaced, experiments, rng, HIDDEN, "manner")
        yield Alarms(cell, false, caught)


def document(found: Sequence[Alarms]) -> dict[str, float | None]:
    """What `--json` says."""
    false = [each.false for each in found]
    return {"false_alarms": float(np.mean(false)), "false_alarms_max": max(false)}


def main() -> None:
    """Simulate and print, or make the demo's second judge."""
    parser = new_parser(__doc__)
    parser.add_argument("--experiments", type=int, default=200, help="per cell; else %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build-judge", type=Path, metavar="DIR")
    add_json(parser)
    options = parser.parse_args()
    if options.build_judge:
        from grice_core.demo.second_judge import build_second_judge

        with progress_bars() as progress:
            build_second_judge(options.build_judge, progress=progress)
        return
    rung = alarms(options.experiments, np.random.default_rng(options.seed))
    found = list(track(rung, "cells", total=len(list(cells())), disable=options.json))
    if options.json:
        print(json.dumps(document(found)))
    else:
        show(found, Console(width=110))


def show(found: Sequence[Alarms], console: Console) -> None:
    """A row per cell, then the whole."""
    table = Table(
        "prompts",
        "samples",
        "AUROC",
        "cut",
        "shared",
        "truth",
        "false alarms, %",
        "caught, %",
        box=None,
    )
    for each in found:
        cell, judges = each.cell, each.cell.judges
        truth = "improves" if cell.rates is IMPROVING else "unchanged"
        shown = "" if each.caught is None else f"{each.caught:.0f}"
        table.add_row(
            *map(str, (cell.num_prompts, cell.samples)),
            *(" ".join(map(str, pair)) for pair in (judges.aurocs, judges.thresholds)),
            str(judges.shared),
            truth,
            f"{each.false:.1f}",
            shown,
        )
    console.print(table)
    false = [each.false for each in found]
    console.print(
        f"false alarms: {np.mean(false):.2f} % of all, at most {max(false):.1f} % in a cell"
    )


if __name__ == "__main__":
    main()
