"""Do rounds of the model's own pairs help on the demo, by the rules that made its world?

Called by `python -m benchmarks.demo --rounds 2`. The control trains as many steps with the same settings on the pairs
that are there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from grice_core.cli.terminal import progress_bars
from grice_core.data.pairs import FloatArray
from grice_core.demo.project import write_demo_data
from grice_core.demo.run import DATA_FOLDER, DemoConfig, run_demo
from grice_core.demo.truth import oracle_outcomes
from grice_core.evaluation.intervals import Interval, paired_interval
from grice_core.evaluation.numbers import percent, points, points_interval
from grice_core.progress import Reporter
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import kept_work

BEFORE, ROUNDS, CONTROL = "stage2", "rounds", "control"


@dataclass(frozen=True)
class Answered:
    """One model of one seed."""

    seed: int
    model: str
    detector: FloatArray
    """(M, k) 1 for a cooperative answer, of k answers to each of M prompts."""
    rules: FloatArray
    """The same by the rules."""


def recipe_of(name: str, rounds: int, overrides: Sequence[str]) -> Recipe:
    """The demo's recipe with rounds, or its control: the same stages on the data's pairs."""
    own = load_recipe("demo-own", [f"round.rounds={rounds}", *overrides])
    if name == ROUNDS:
        return own
    from_model = {"pairs_from": "data", "samples": None, "round": None, "max_steps": None}
    stages = tuple(
        stage.model_copy(
            update=from_model | {"name": f"control{stage.round}", "title": f"control {stage.round}"}
        )
        if stage.is_from_model
        else stage
        for stage in own.stages
    )
    return own.model_copy(update={"name": "demo-own-control", "stages": stages})


def run_seed(name: str, seed: int, options: Any, console: Console | None = None) -> list[Answered]:
    """Every model of one pipeline; the last one also by the pipeline's name."""
    out = options.out / f"{name}-{seed}"
    config = DemoConfig(
        out,
        seed,
        options.models,
        recipe=recipe_of(name, options.rounds, options.overrides),
        samples_per_prompt=options.samples,
        overwrite=True,
    )
    with progress_bars() as progress:
        result = run_demo(config, Reporter(progress), kept_work())
    dialogues = write_demo_data(out / DATA_FOLDER, seed, config.num_pairs).dialogues
    found = []
    for model in result.pipeline.evaluation.models:
        rows = np.array(list(model.rows_of_prompt.values()))
        truth = oracle_outcomes(model, dialogues)[:, -1].astype(float)
        found.append(Answered(seed, model.name, model.cooperative.astype(float)[rows], truth[rows]))
    for each in result.pipeline.record.get("rounds", ()):
        for sentence in each["said"]:
            if console is not None:
                console.print(f"seed {seed}, {each['name']}: {sentence}")
    last = found[-1]
    return [*found, Answered(seed, name, last.detector, last.rules)]


def gain_of(answered: Sequence[Answered], after: str) -> tuple[float, Interval]:
    """By the rules, over stage 2 of the same pipelines' seeds, prompts of all seeds together."""
    differences = []
    for one in (each for each in answered if each.model == after):
        before = next(e for e in answered if (e.seed, e.model) == (one.seed, BEFORE))
        differences.append((one.rules - before.rules).mean(axis=1))
    joined = np.concatenate(differences)
    return float(joined.mean()), paired_interval(joined, answered[0].rules.shape[1])


def document_of(answered: Sequence[Answered]) -> dict[str, Any]:
    """What `--json` prints; rates and gains are fractions."""
    names = list(dict.fromkeys(each.model for each in answered))
    gain, interval = gain_of(answered, ROUNDS)
    return {
        "by": {
            judge: {
                name: float(
                    np.mean([getattr(e, judge).mean() for e in answered if e.model == name])
                )
                for name in names
            }
            for judge in ("detector", "rules")
        },
        "gain_rules": gain,
        "gain_interval": [interval.low, interval.high],
        "control_gain_rules": gain_of(answered, CONTROL)[0],
    }


def show(console: Console, answered: Sequence[Answered]) -> None:
    """A row per seed and model, then both gains."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("seed", "model"):
        table.add_column(title, no_wrap=True)
    for title in ("cooperative", "by the rules"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in answered:
        table.add_row(
            str(one.seed), one.model, percent(one.detector.mean()), percent(one.rules.mean())
        )
    console.print(table)
    for name in (ROUNDS, CONTROL):
        gain, interval = gain_of(answered, name)
        console.print(
            f"by the rules, {name} against {BEFORE}: {points(gain)} points {points_interval(interval)}"
        )


def compare_rounds(options: Any, console: Console | None) -> dict[str, Any]:
    """Rounds and control on every seed; printed if there is a console."""
    answered: list[Answered] = []
    for seed in options.seeds:
        answered += run_seed(ROUNDS, seed, options, console)
        known = {each.model for each in answered if each.seed == seed}
        answered += [each for each in run_seed(CONTROL, seed, options) if each.model not in known]
    if console is not None:
        show(console, answered)
    return document_of(answered)


def add_options(parser: Any) -> None:
    """Those that only rounds have."""
    parser.add_argument(
        "--rounds", type=int, help="rounds of own pairs after the stages, against a control"
    )
    parser.add_argument(
        "--samples", type=int, default=4, help="answers per prompt; else %(default)s"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the recipe demo-own, such as round.num_steps=200",
    )
