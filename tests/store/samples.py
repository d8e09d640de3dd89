"""A small pipeline, submitted and run to its end, for the tests that need one."""

import os
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from grice_core.maxims import MAXIMS, Maxim
from grice_core.progress import SampledAnswer
from grice_core.store import (
    data_sets,
    detectors,
    generations,
    metrics,
    recipes,
    references,
    runs,
    sampled_answers,
    transitions,
)
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import GRACE_S, ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.data_sets import DataSetDraft
from grice_core.store.database import Database
from grice_core.store.generations import Answer, Judgement
from grice_core.store.metrics import MetricRow
from grice_core.store.states import RunKind
from grice_core.store.submission import PipelineDraft, RunDraft, submit, submit_run
from grice_core.store.tables import Artifact, JsonObject, Pipeline, Run

ADA = Actor("ada", Role.MEMBER, "test")
"""Whoever submits the sample pipeline."""
DAY_S = 86_400.0
SAMPLED = [SampledAnswer(step, 0, "where do cats sleep?", f"in the sun {step}") for step in (0, 3)]
"""What the model of the sample pipeline's training answered meanwhile."""
RECIPE = {"name": "content-then-manner", "stages": [{"name": "stage1", "beta": 0.05}]}


def claim_of(database: Database, run_id: int, owner: str = "host:1") -> Claim:
    """A claim that is granted."""
    claim = transitions.claim(database, run_id, owner)
    assert claim is not None
    return claim


def queued(database: Database, key: str = "a", parents: tuple[str, ...] = ()) -> int:
    """A training that waits."""
    return submit_run(database, RunDraft(key, RunKind.TRAIN, {"seed": 0}, parents=parents))


def submitted_pipeline(
    database: Database,
    artifacts: ArtifactStore,
    key: str = "demo",
    trained: str | None = None,
    **spec: JsonObject,
) -> int:
    """A pipeline of two runs, a training and an evaluation, that wait."""
    data_set = DataSetDraft(
        name="pairs.json",
        sha256="a" * 64,
        pairs=artifacts.put_bytes(b"the pairs"),
        num_rows=3,
        num_usable=2,
        num_scored=2,
        report={"problems": []},
    )
    return submit(
        database.acting_as(ADA),
        PipelineDraft(
            key=key,
            name="demo",
            recipe_id=recipes.save(database, "content-then-manner", RECIPE),
            data_set_id=data_sets.add(database, data_set),
            detector_id=detectors.add(
                database,
                "tiny",
                artifacts.put_bytes(b"the detector"),
                {"temperatures": [1, 1, 1, 1]},
            ),
            base="gpt2",
            trained_sha256=trained,
            spec={"seed": 0, **spec},
            runs=[
                RunDraft(f"{key}/stage1", RunKind.TRAIN, {"stage": "stage1"}, stage="stage1"),
                RunDraft(f"{key}/evaluate", RunKind.EVALUATE, {}, parents=(f"{key}/stage1",)),
            ],
        ),
    )


def finished_pipeline(
    database: Database,
    artifacts: ArtifactStore,
    folder: Path,
    key: str = "demo",
    **spec: JsonObject,
) -> int:
    """The same, with both runs done: three steps, an adapter of two files, and the answers."""
    pipeline_id = submitted_pipeline(database, artifacts, key, **spec)
    training, evaluation = runs.of_pipeline(database, pipeline_id)
    claim = claim_of(database, training.id)
    steps = [MetricRow(step, {"loss": 0.7 - step / 10}) for step in (1, 2, 3)]
    metrics.record(database, claim, steps, num_steps=3)
    sampled_answers.record(database, claim, SAMPLED)
    adapter = folder / f"adapter-{key}"
    (adapter / "weights").mkdir(parents=True)
    (adapter / "config.json").write_text('{"r": 16}')
    (adapter / "weights" / "adapter.safetensors").write_bytes(bytes(range(256)) * 8)
    references.attach(database, claim, "adapter", artifacts.put_folder(adapter))
    transitions.finish(database, claim, {"loss": 0.4})
    claim = claim_of(database, evaluation.id)
    for model, scores in ANSWERS.items():
        answers = [answer(i, s) for i, s in enumerate(scores)]
        if "second_judge" in spec:
            answers = [judged_twice(one, 0.6) for one in answers]
        generations.replace(database, claim, model, answers)
    transitions.finish(database, claim, {"cooperative": 0.5})
    return pipeline_id


ANSWERS: dict[str, list[float]] = {
    "baseline": [0.9, 0.2, 0.8],
    "stage1": [0.1, 0.3, 0.7],
    "stage2": [0.2, 0.95, 0.6],
}
"""Manner's score of each model's answer to prompts 0, 1 and 2; above 0.5 is a violation."""


def answer(prompt_index: int, manner: float) -> Answer:
    """A response that violates nothing but perhaps manner."""
    scores = dict.fromkeys(MAXIMS, 0.1) | {Maxim.MANNER: manner}
    return Answer(
        prompt_index,
        f"prompt {prompt_index}",
        f"an answer of {manner}",
        {maxim: Judgement(score, violated=score > 0.5) for maxim, score in scores.items()},
    )


def judged_twice(one: Answer, manner: float) -> Answer:
    """The same, with another score for manner by a second judge."""
    return replace(one, second_judgements=answer(one.prompt_index, manner).judgements)


def let_lease_run_out(database: Database, run_id: int) -> None:
    """Age a lease, as if its owner had been silent for long."""
    database.write(
        lambda session: session.execute(
            update(Run).where(Run.id == run_id).values(lease_until=Run.lease_until - 1000)
        )
    )


def age(database: Database, pipeline_id: int, days: float) -> None:
    """Let a pipeline, its runs and every artifact be older by so many days."""

    def older(session: Session) -> None:
        for column, where in (
            (Pipeline.created_at, Pipeline.id == pipeline_id),
            (Run.finished_at, Run.pipeline_id == pipeline_id),
            (Artifact.created_at, Artifact.sha256 != ""),
        ):
            older = {column.key: column - days * DAY_S}
            session.execute(update(column.class_).where(where).values(older))

    database.write(older)


def long_ago(folder: Path) -> None:
    """Let every file be old enough to be collected."""
    then = time.time() - 2 * GRACE_S
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))
