"""Pipelines that are asked for: small ones, seen through their rows."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe
from grice_core.store import logs, runs
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.worker.processes import eventually
from worker.client import PipelineRequest, RunQueue

NUM_STEPS = 120
SAMPLE_EVERY = 50
SMALL = (
    "control_for=null",
    "holdout_share=0.4",  # enough to choose a step by
    "stage1.filter=[]",
    f"stage1.num_steps={NUM_STEPS}",
    "stage1.learning_rate=1e-3",
    "stage1.eval_steps=40",
    "stage1.keep=best",
    "evaluation.max_new_tokens=3",
    "evaluation.num_prompts=2",
)
"""A recipe of one stage, long enough to be interrupted and short enough to be waited for."""


@dataclass(frozen=True)
class Asked:
    """A pipeline that was asked for, seen through its rows."""

    queue: RunQueue
    pipeline_id: int

    @property
    def runs(self) -> list[Run]:
        return list(runs.of_pipeline(self.queue.database, self.pipeline_id))

    def run(self, kind: str) -> Run:
        return next(run for run in self.runs if run.kind == kind)

    def log(self, kind: str) -> str:
        """What the last attempt of the run of this kind printed."""
        position = logs.positions(self.queue.database, self.run(kind).id)[-1]
        return logs.tail(self.queue.artifacts.objects, position, 0)

    def until(self, kind: str, is_so: Callable[[Run], Any]) -> Run:
        """The run of this kind once it is so."""

        def look() -> Run | None:
            run = self.run(kind)
            if run.state is RunState.FAILED and not is_so(run):
                raise AssertionError(f"run {run.id} ({kind}) failed: {run.error}")
            return run if is_so(run) else None

        found: Run = eventually(look, f"{kind}: {[(r.kind, r.state, r.error) for r in self.runs]}")
        return found

    def until_step(self, step: int) -> Run:
        """The training once it is at this step, or already beyond."""
        return self.until("train", lambda run: run.step >= step or run.state.is_finished())

    def until_trained(self) -> None:
        """Wait until the training has succeeded."""
        self.until("train", lambda run: run.state is RunState.SUCCEEDED)

    def until_done(self) -> None:
        """Wait until all has succeeded."""
        self.until("export", lambda run: run.state is RunState.SUCCEEDED)


def small_request(world: Path, seed: int = 0, **changes: Any) -> PipelineRequest:
    request = {
        "data": world / "pairs.json",
        "eval": world / "eval.json",
        "base": str(world / "base"),
        "detector": str(world / "detector"),
        "recipe": load_recipe("joint", SMALL),
        "seed": seed,
        "device": "cpu",
        "sample_every": SAMPLE_EVERY,
        "precision": "fp32",  # of so small a model bf16 takes twice the time, most of it for its trial
    }
    return PipelineRequest(**(request | changes))


def ask(queue: RunQueue, world: Path, seed: int = 0, **changes: Any) -> Asked:
    return Asked(queue, queue.submit(small_request(world, seed, **changes)))


def variant(*changes: str) -> Recipe:
    """The same recipe with another description: another pipeline, with the same numbers if nothing is changed."""
    recipe = load_recipe("joint", (*SMALL, *changes))
    return recipe.model_copy(update={"description": unique_name()})


def short() -> Recipe:
    """A third of its steps, where no one interrupts them."""
    return variant(f"stage1.num_steps={NUM_STEPS // 3}")


def ask_anew(queue: RunQueue, world: Path, **changes: Any) -> Asked:
    """Another pipeline with the same numbers."""
    return ask(queue, world, recipe=variant(), **changes)


def unique_name() -> str:
    return f"grice_{secrets.token_hex(6)}"
