"""A database of many finished runs and a queue, written straight into its tables."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import insert

from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.load import load_recipe
from grice_core.store.database import Database
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.tables import (
    Artifact,
    Base,
    DataSet,
    Generation,
    LogPosition,
    Metric,
    Pipeline,
    Recipe,
    Run,
    RunArtifact,
    RunParent,
    Violation,
)
from grice_core.store.votes import Ballot, cast

CHAIN = (RunKind.SCORE, RunKind.TRAIN, RunKind.TRAIN, RunKind.EVALUATE)
"""The runs of each pipeline."""
NUM_WAITING = 40
NUM_CATALOGUED = 200
"""Data sets, and versions of the recipe."""
ROLES = ("output", "adapter", "own_adapter", "report")
MODELS = ("baseline", "stage1", "stage2")
NUM_PROMPTS = 100
METRIC_NAMES = (
    "loss",
    *(f"loss/{maxim}" for maxim in MAXIMS),
    *(f"rewards/{name}" for name in ("chosen", "rejected", "margins", "accuracies")),
    *(f"logps/{name}" for name in ("chosen", "rejected")),
    *("beta", "learning_rate", "gradient_norm", "tokens_per_s"),
)

SPEC = {
    "recipe": load_recipe("content-then-manner").model_dump(mode="json"),
    **{name: {"name": "pairs.json", "sha256": "a" * 64} for name in ("data", "eval", "detector")},
    "base": "gpt2",
    "precision": "auto",
    "leakage": "drop-eval",
}
"""What runs are asked for, as long as it really is."""
RESULT = {
    "verdict": {
        "state": "undecided",
        "sentence": "Too few prompts to tell. " * 10,
        "criteria": [{"name": f"criterion {n}", "sentence": "Not met. " * 20} for n in range(6)],
    },
    "percent": {
        **{model: {maxim.value: 12.5 for maxim in MAXIMS} for model in MODELS},
        "cooperative": dict.fromkeys(MODELS, 60.0),
    },
}
"""What an evaluation found."""

Rows = Iterable[dict[str, Any]]


def build(database: Database, num_runs: int, num_steps: int) -> None:
    """Fill an empty database."""
    chance = random.Random(0)
    digest = "a" * 64
    fill(database, Artifact, [{"sha256": digest, "is_folder": False, "size_bytes": 1}])
    fill(database, DataSet, (_data_set(number, digest) for number in range(NUM_CATALOGUED)))
    fill(database, Recipe, (_recipe(number) for number in range(NUM_CATALOGUED)))
    fill(database, Pipeline, (_pipeline(number) for number in range(num_runs // len(CHAIN))))
    fill(database, Run, (_run(number, num_runs) for number in range(num_runs)))
    later = (number for number in range(1, num_runs) if number % len(CHAIN))
    fill(database, RunParent, ({"run_id": n + 1, "parent_id": n} for n in later))
    fill(
        database,
        Metric,
        (
            {
                "run_id": run_id,
                "step": step,
                "numbers": {name: chance.random() for name in METRIC_NAMES},
            }
            for run_id in range(1, num_runs + 1)
            for step in range(1, num_steps + 1)
        ),
    )
    fill(
        database,
        RunArtifact,
        (
            {"run_id": run_id, "role": role, "sha256": digest}
            for run_id in range(1, num_runs + 1)
            for role in ROLES
        ),
    )
    fill(database, LogPosition, (_log(run_id) for run_id in range(1, num_runs + 1)))
    _fill_answers(database, evaluations(num_runs), chance)
    nothing = {model: frozenset[Maxim]() for model in MODELS}
    for prompt in range(NUM_PROMPTS):
        cast(database, Ballot(evaluations(num_runs)[-1], prompt, "", nothing))


def evaluations(num_runs: int) -> range:
    """Ids of the evaluations that have answers: those of every tenth pipeline."""
    return range(len(CHAIN), num_runs + 1, 10 * len(CHAIN))


def fill(database: Database, table: type[Base], rows: Rows) -> None:
    """Insert rows, ten thousand at a time."""
    remaining = iter(rows)
    with database.engine.begin() as connection:
        while batch := list(islice(remaining, 10_000)):
            connection.execute(insert(table), batch)


def _data_set(number: int, digest: str) -> dict[str, Any]:
    counts = dict.fromkeys(("num_rows", "num_usable", "num_scored"), 1970)
    names = {"name": f"pairs {number}", "sha256": f"{number:064x}", "artifact_sha256": digest}
    return {**names, "report": {}, **counts}


def _recipe(number: int) -> dict[str, Any]:
    return {"name": "demo", "version": number + 1, "digest": f"{number:064x}", "body": {}}


def _log(run_id: int) -> dict[str, Any]:
    name = f"logs/{run_id}/1"
    return {"run_id": run_id, "attempt": 1, "name": name, "size_bytes": 1000, "updated_at": 0.0}


def _pipeline(number: int) -> dict[str, Any]:
    names = {"key": f"pipeline {number}", "name": f"seed {number}", "base": "gpt2"}
    return {**names, "recipe_id": 1, "data_set_id": 1, "spec": SPEC | {"seed": number}}


def _run(number: int, num_runs: int) -> dict[str, Any]:
    waiting = number >= num_runs - NUM_WAITING
    finished = RunState.FAILED if number % 50 == 0 else RunState.SUCCEEDED
    return {
        "key": f"run {number}",
        "pipeline_id": number // len(CHAIN) + 1,
        "kind": CHAIN[number % len(CHAIN)],
        "spec": SPEC | {"seed": number},
        "device": Device.CPU,
        "position": number,
        "state": RunState.QUEUED if waiting else finished,
        "result": None if waiting else RESULT,
        "started_at": None if waiting else float(number),
        "finished_at": None if waiting else number + 60.0,
    }


def _fill_answers(database: Database, run_ids: range, chance: random.Random) -> None:
    answers = [
        {
            "run_id": run_id,
            "model": model,
            "prompt_index": index,
            "prompt": "What do you know about lighthouses? " * 3,
            "response": "They are towers with a light that ships can see from afar. " * 3,
        }
        for run_id in run_ids
        for model in MODELS
        for index in range(NUM_PROMPTS)
    ]
    fill(database, Generation, answers)
    fill(database, Violation, _judgements(len(answers), chance))


def _judgements(num_answers: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(1, num_answers + 1):
        for maxim in MAXIMS:
            score = chance.random()
            yield {
                "generation_id": number,
                "maxim": maxim,
                "score": score,
                "violated": score > 0.5,
            }
