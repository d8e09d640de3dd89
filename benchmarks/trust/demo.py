"""On the demo, where the rules of its language are the truth: what do intervals hold of it?

    python -m benchmarks.trust.demo [--seeds 5] [--gold 60] [--out out/benchmark-trust] [--json]

Each seed is a demo, trained for real, which takes some minutes; what a folder holds already is not made again. The
rules judge all answers, which is the truth; their labels of a few random prompts correct the detector.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.options import add_json, new_parser
from grice_core.cli.terminal import progress_bars
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.demo.corpus import draw_dialogues, new_things
from grice_core.demo.project import NUM_MENTIONS
from grice_core.demo.run import DemoConfig, run_demo
from grice_core.demo.truth import oracle_outcomes
from grice_core.evaluation.gold_intervals import Bounds, change_bounds, rate_bounds
from grice_core.evaluation.intervals import Interval, paired_interval, wilson_interval
from grice_core.evaluation.prediction_powered import estimate_each
from grice_core.evaluation.results import EVALUATION_FILE
from grice_core.evaluation.stored import StoredEvaluation, read_evaluation
from grice_core.evaluation.violations import COOPERATIVE, MEASURES
from grice_core.progress import Reporter

NUM_DRAWS = 200
"""Of prompts that get labels; the first one is shown."""
CHANGE = "change"
"""Beside the models: from the baseline to the last stage."""


@dataclass(frozen=True)
class DemoFigure:
    """A rate of one model of a demo, or its last stage's change from the baseline; fractions."""

    seed: int
    measure: str
    model: str
    """Or `change`."""
    by_rules: float
    """Of all answers."""
    by_detector: float
    detector_interval: Interval
    """As it is shown without labels."""
    corrected: float
    corrected_interval: Interval
    """With the labels of the first draw."""
    held: float
    """Share of all draws whose corrected interval holds what the rules say."""
    called_better: float
    """Share of all draws whose corrected interval lies on the better side of 0; changes only."""

    @property
    def detector_holds(self) -> bool:
        return _holds(self.detector_interval, self.by_rules)

    @property
    def corrected_holds(self) -> bool:
        return _holds(self.corrected_interval, self.by_rules)


def figures_of(folder: Path, num_gold: int) -> Iterator[DemoFigure]:
    """All of one demo's output folder.

    Args:
        num_gold: Prompts whose answers by all models the rules label.
    """
    stored = read_evaluation(folder)
    truths, judged = _outcomes(stored)
    num_prompts = truths.shape[1]
    orders = np.random.default_rng(0).permuted(
        np.tile(np.arange(num_prompts), (NUM_DRAWS, 1)), axis=1
    )
    is_labelled = orders < num_gold
    for place, measure in enumerate(MEASURES):
        for row, model in enumerate(stored.models):
            yield _figure(
                (stored.seed, measure, model.name),
                truths[row, :, place],
                judged[row, :, place],
                is_labelled,
            )
        yield _figure(
            (stored.seed, measure, CHANGE),
            truths[-1, :, place] - truths[0, :, place],
            judged[-1, :, place] - judged[0, :, place],
            is_labelled,
        )


def _outcomes(stored: StoredEvaluation) -> tuple[FloatArray, FloatArray]:
    """(models, M, 5) outcomes by the rules, and by the detector."""
    dialogues = draw_dialogues(new_things() * NUM_MENTIONS, stored.seed)
    by_prompt = {each.prompt: each for each in dialogues}
    truths = [oracle_outcomes(model, by_prompt) for model in stored.models]
    return np.stack(truths).astype(float), np.stack([m.outcomes for m in stored.models]).astype(
        float
    )


def _figure(
    name: tuple[int, str, str], truth: FloatArray, judged: FloatArray, is_labelled: BoolArray
) -> DemoFigure:
    is_change = name[2] == CHANGE
    gold = np.where(is_labelled, truth, np.nan)[..., None]
    found = estimate_each(judged[None, :, None], gold)
    bounds = (change_bounds if is_change else rate_bounds)(found)
    first = Interval(float(bounds.low[0]), float(bounds.high[0]))
    by_rules, by_detector = float(truth.mean()), float(judged.mean())
    plain = paired_interval(judged) if is_change else wilson_interval(judged[:, None])
    held = float(bounds.hold(by_rules).mean())
    called = _share_better(bounds, name[1]) if is_change else 0.0
    value = float(found.value[0])
    return DemoFigure(*name, by_rules, by_detector, plain, value, first, held, called)


def _share_better(bounds: Bounds, measure: str) -> float:
    is_better = bounds.low > 0 if measure == COOPERATIVE else bounds.high < 0
    return float(is_better.mean())


def _holds(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def document(found: list[DemoFigure]) -> dict[str, object]:
    """Shares of the cells whose interval holds what the rules say, in percent, and every figure."""
    return {
        "demo_held_by_detector": _percent_of([each.detector_holds for each in found]),
        "demo_held_corrected": _percent_of([each.corrected_holds for each in found]),
        "demo_held_over_draws": _percent_of([each.held for each in found]),
        "demo": [asdict(each) for each in found],
    }


def _percent_of(shares: list[float] | list[bool]) -> float:
    return 100 * float(np.mean(shares))


def show(found: list[DemoFigure], console: Console) -> None:
    """A row per seed and measure: by the rules, by the detector, corrected; those that miss are marked."""
    models = list(dict.fromkeys(each.model for each in found))
    table = Table("seed", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True, min_width=max(map(len, MEASURES)))
    for model in models:
        table.add_column(f"{model}: rules", justify="right", no_wrap=True)
        table.add_column("detector", justify="right", no_wrap=True)
        table.add_column("corrected", justify="right", no_wrap=True)
    rows: dict[tuple[int, str], list[str]] = {}
    for each in found:
        rows.setdefault((each.seed, each.measure), []).extend(_cells(each))
    for (seed, measure), cells in rows.items():
        table.add_row(str(seed), measure, *cells)
    console.print(table)
    said = document(found)
    console.print(
        f"* an interval that does not hold what the rules say of all answers. Held: detector "
        f"{said['demo_held_by_detector']:.1f} %, corrected {said['demo_held_corrected']:.1f} % of {len(found)} cells; "
        f"over {NUM_DRAWS} draws of the labels {said['demo_held_over_draws']:.1f} %."
    )
    for each in found:
        if each.model == CHANGE and each.measure != COOPERATIVE:
            by_detector = "better" if each.detector_interval.high < 0 else "undecided"
            console.print(
                f"seed {each.seed}, {each.measure}: {by_detector} by the detector; corrected, called better in "
                f"{each.called_better:.0%} of the draws"
            )


def _cells(each: DemoFigure) -> tuple[str, str, str]:
    low, high = each.corrected_interval.low, each.corrected_interval.high
    return (
        f"{100 * each.by_rules:.1f}",
        f"{100 * each.by_detector:.1f}{'' if each.detector_holds else '*'}",
        f"{100 * each.corrected:.1f} [{100 * low:.1f}, {100 * high:.1f}]{'' if each.corrected_holds else '*'}",
    )


def demos(seeds: int, out: Path) -> Iterator[Path]:
    """The output folder of each seed's demo, trained where there is none."""
    for seed in range(seeds):
        folder = out / f"seed-{seed}"
        if not (folder / EVALUATION_FILE).is_file():
            with progress_bars() as progress:
                run_demo(DemoConfig(folder, seed, overwrite=True), Reporter(progress))
        yield folder


def main() -> None:
    """Train what is missing, and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0; else %(default)s")
    parser.add_argument("--gold", type=int, default=60, help="labelled prompts; else %(default)s")
    parser.add_argument("--out", type=Path, default=Path("out/benchmark-trust"))
    add_json(parser)
    options = parser.parse_args()
    found = [
        figure
        for folder in demos(options.seeds, options.out)
        for figure in figures_of(folder, options.gold)
    ]
    if options.json:
        print(json.dumps(document(found)))
    else:
        show(found, Console(width=210))


if __name__ == "__main__":
    main()
