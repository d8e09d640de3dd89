"""What follows from other numbers of the folder: rates from answers, losses from their parts, rates of schedules."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from grice_core.dpo.adapters import compose, load_adapter
from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.metrics import SFT_LOSS, Metrics
from grice_core.dpo.schedules import beta_at, learning_rate
from grice_core.dpo.step_choice import Look, StepChoice, StepRule
from grice_core.errors import ModelError
from grice_core.evaluation.results import (
    EVALUATION_FILE,
    GENERATIONS_FILE,
    RESULTS_FILE,
    evaluated_models,
    generations_jsonl,
    guide_results,
)
from grice_core.maxims import MAXIMS
from grice_core.pipeline.kept_steps import CHECKPOINT, kept_step, num_planned
from grice_core.pipeline.output import is_whole_model
from grice_core.recipes.config import StageConfig
from grice_core.verify.claims import Check, Claims

_SUMS = 1e-6
"""Relative: two sums of the same numbers in another order."""


def check_rates(claims: Claims) -> Check:
    """Rates in both files of results are those of the answers, by the detector's thresholds."""
    return Check("rates", "all rates from the answers' scores", tuple(_rates(claims)))


def _rates(claims: Claims) -> Iterator[str]:
    models, document = claims.evaluation.models, claims.evaluation.document
    thresholds = dict(zip(MAXIMS, claims.detector.thresholds.tolist(), strict=True))
    if document["thresholds"] != thresholds:
        yield f"{EVALUATION_FILE}: the thresholds are not the detector's"
    results = json.loads((claims.output.path / RESULTS_FILE).read_text(encoding="utf-8"))
    if results != guide_results(models):
        yield f"{RESULTS_FILE}: not what follows from {GENERATIONS_FILE}"
    follow = json.loads(json.dumps(evaluated_models(models)))
    # Earlier versions counted less: what is there has to follow.
    if not all(now | told == now for told, now in zip(document["models"], follow, strict=True)):
        yield f"{EVALUATION_FILE}: rates that don't follow from {GENERATIONS_FILE}"
    answers = (claims.output.path / GENERATIONS_FILE).read_text(encoding="utf-8")
    if answers != generations_jsonl(models, claims.evaluation.second):
        yield f"{GENERATIONS_FILE}: violations that don't follow from the scores"


def check_history(claims: Claims) -> Check:
    """Each step's record is of a piece with itself, its schedule and run.json."""
    histories = {
        stage.name: read_history(claims.output.stage(stage.name).history) for stage in claims.stages
    }
    problems = [
        f"{stage.name}/history.jsonl, {problem}"
        for stage in claims.stages
        for problem in _history(stage, histories[stage.name], claims.stage_record(stage.name))
    ]
    num_steps = sum(map(len, histories.values()))
    return Check("steps", f"sums and schedules of {num_steps:,} steps", tuple(problems))


def _history(
    stage: StageConfig, history: list[Metrics], record: Mapping[str, Any]
) -> Iterator[str]:
    if [int(each["step"]) for each in history] != list(range(1, record["num_steps"] + 1)):
        yield f"steps are not 1 to {record['num_steps']}"
        return
    num_steps = num_planned(record)
    for number, each in enumerate(history):
        for name, expected in (
            ("learning_rate", learning_rate(stage, number, num_steps)),
            ("beta", beta_at(stage, number, num_steps)),
            ("loss", _loss_of_parts(stage, each)),
            ("rewards/margins", each["rewards/chosen"] - each["rewards/rejected"]),
        ):
            scale = max(abs(expected), abs(each["rewards/chosen"]) if "/" in name else 0.0)
            if not math.isclose(each[name], expected, rel_tol=_SUMS, abs_tol=_SUMS * max(scale, 1)):
                yield f"step {number + 1}: {name} is {each[name]:.6g}, but {expected:.6g} follows"
    kept = history[kept_step(record) - 1]
    if {name: value for name, value in kept.items() if name in record["after"]} != record["after"]:
        yield f"step {int(kept['step'])}: its held-out metrics are not those of run.json"
    yield from _choice(stage, history, record)


def _choice(stage: StageConfig, history: list[Metrics], record: Mapping[str, Any]) -> Iterator[str]:
    """Whether the step that a stage kept is the one that follows from its looks at held-out pairs."""
    if CHECKPOINT not in record:
        return
    told, last = StepChoice.read(record[CHECKPOINT]), len(history)
    steps = [step for step in range(1, last + 1) if step % stage.eval_steps == 0 or step == last]
    looks = [Look(step, history[step - 1]) for step in steps]
    follows = StepRule.of_counts(stage, told.counts).choice(looks, last, told.num_planned)
    if follows != told:
        yield f"step {follows.step} follows as the one to keep, not {told.step} as run.json says"


def _loss_of_parts(stage: StageConfig, record: Metrics) -> float:
    weighted = [f"loss/{maxim}" for maxim in MAXIMS if getattr(stage.weights, maxim) > 0]
    return sum(record[name] for name in [*weighted, SFT_LOSS] if name in record)


def check_published(claims: Claims) -> Check:
    """What each stage published is what it and those before it have learned."""
    return Check(
        "adapters", "each published adapter from its stages' own", tuple(_published(claims))
    )


def _published(claims: Claims) -> Iterator[str]:
    earlier = None
    for name in claims.names:
        folder = claims.output.stage(name)
        if is_whole_model(folder.final_model):
            return
        try:
            published = load_adapter(folder.final_model)
            own = load_adapter(folder.own_adapter) if earlier else published
            expected = compose(earlier, own) if earlier else own
        except ModelError as error:
            yield f"{name}: {error}"
            return
        same = expected.tensors.keys() == published.tensors.keys() and all(
            torch.equal(expected.tensors[key], published.tensors[key]) for key in expected.tensors
        )
        if not same:
            yield f"{name}/final_model is not {name}'s own adapter on top of the stage before"
        earlier = published
