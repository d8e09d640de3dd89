"""On a demo, where the rules of its language are the truth: do intervals hold what the rules say?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from grice_core.demo.corpus import draw_dialogues, new_things
from grice_core.demo.project import NUM_MENTIONS
from grice_core.demo.truth import oracle_outcomes
from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.true_rates import true_rates
from grice_core.evaluation.violations import MEASURES
from grice_core.maxims import MAXIMS

NUM_GOLD_PROMPTS = 60


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


def show(demo: list[DemoRate], console: Console) -> None:
    """A row per model and measure."""
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
