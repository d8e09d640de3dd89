"""One judgement after another, with a look after each: how often that errs, and how soon it decides.

*Picked* is what *Judge blindly* does: prompts whose judgement narrows what the verdict hangs on, answers of
the baseline and the last model only. *Uniform* is prompts in random order with the answers of all models,
of which there are three in the default recipe. Both stop by the same rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.trust.worlds import KINDS, Kind, World, draw_world, outcomes
from grice_core.evaluation.judging_plan import decided, judging_plan
from grice_core.evaluation.prediction_powered import LEAST_GOLD
from grice_core.evaluation.verdict import State, all_of
from grice_core.recipes.config import EvaluationConfig

NUM_PROMPTS = 300
AUROCS = (0.75, 0.9)
ANSWERS = {"picked": 2, "uniform": 3}
"""Judged per prompt."""


@dataclass(frozen=True)
class Stop:
    """Where one experiment ended."""

    num_judged: int
    """Prompts."""
    state: State


@dataclass(frozen=True)
class Stops:
    """One kind of experiment, picked and uniform."""

    kind: str
    auroc: float
    num: int
    picked: float
    """Median number of prompts; those never decided count as all."""
    uniform: float
    undecided: int
    wrong: int
    """Verdicts that contradict the truth, of both ways of picking."""

    @property
    def ratio(self) -> float:
        """Of answers judged until the decision."""
        return self.picked * ANSWERS["picked"] / (self.uniform * ANSWERS["uniform"])


def true_state(kind: Kind, config: EvaluationConfig, rng: np.random.Generator) -> State:
    """The verdict of someone who sees everything, of very many prompts."""
    cooperative = outcomes(draw_world(kind, 0.9, 200_000, rng).truth)[1, :, -1].mean()
    improves = all(new < old for old, new in zip(kind.before, kind.after, strict=True))
    return State.MET if improves and cooperative >= config.min_cooperative else State.NOT_MET


def judge_until_decided(
    world: World, config: EvaluationConfig, is_uniform: bool, rng: np.random.Generator
) -> Stop:
    """Pick, judge, look; until the verdict is decided or every prompt is judged."""
    num_prompts = world.truth.shape[1]
    picks: list[int] = []
    relative: list[float] = []
    state = None
    while len(picks) < num_prompts:
        num_left = num_prompts - len(picks)
        pair = world.judged(picks, relative)
        if is_uniform:
            state = (
                all_of(list(decided(pair.estimates(), config).values()))
                if len(picks) >= LEAST_GOLD
                else None
            )
            chances = np.where(pair.has_labels, 0.0, 1 / num_left)
        else:
            plan = judging_plan(pair, config)
            state, chances = plan.state, plan.chances
        if state in (State.MET, State.NOT_MET):
            break
        pick = int(rng.choice(num_prompts, p=chances))
        relative.append(float(chances[pick]) * num_left)
        picks.append(pick)
    return Stop(len(picks), state or State.UNDECIDED)


def stops(num: int, rng: np.random.Generator) -> Iterator[Stops]:
    """Each kind of world with each detector, `num` times."""
    config = EvaluationConfig()
    for kind in KINDS:
        truth = true_state(kind, config, rng)
        for auroc in AUROCS:
            found: dict[bool, list[Stop]] = {False: [], True: []}
            for _ in range(num):
                world = draw_world(kind, auroc, NUM_PROMPTS, rng)
                for is_uniform, own in found.items():
                    own.append(judge_until_decided(world, config, is_uniform, rng))
            both = [*found[False], *found[True]]
            yield Stops(
                kind=kind.name,
                auroc=auroc,
                num=num,
                picked=float(np.median([one.num_judged for one in found[False]])),
                uniform=float(np.median([one.num_judged for one in found[True]])),
                undecided=sum(one.state == State.UNDECIDED for one in both),
                wrong=sum(one.state not in (State.UNDECIDED, truth) for one in both),
            )


def document(found: list[Stops]) -> dict[str, float]:
    """Medians over all kinds, and how many verdicts were wrong, in percent."""
    return {
        "judgements_ratio": float(np.median([one.ratio for one in found])),
        "prompts_ratio": float(np.median([one.picked / one.uniform for one in found])),
        "wrong_verdicts": 100
        * sum(one.wrong for one in found)
        / (2 * sum(one.num for one in found)),
    }


def show(found: list[Stops], console: Console) -> None:
    """A row per kind of world."""
    table = Table(
        "",
        "AUROC",
        "picked, prompts",
        "uniform, prompts",
        "ratio of answers judged",
        "undecided",
        "wrong",
        box=None,
    )
    for one in found:
        table.add_row(
            one.kind,
            str(one.auroc),
            f"{one.picked:g}",
            f"{one.uniform:g}",
            f"{one.ratio:.2f}",
            f"{one.undecided} of {2 * one.num}",
            f"{one.wrong} of {2 * one.num}",
        )
    console.print(table)
    console.print(
        f"Answers judged until a decision, picked over uniform: median {document(found)['judgements_ratio']:.2f}"
    )
