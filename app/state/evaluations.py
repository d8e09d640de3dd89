"""Evaluations that pipelines left in the store, opened for comparing."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from app.state.stored_spec import spec_of
from app.state.studio import Studio
from grice_core.errors import ArtifactError, DataError
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.pipeline import stored_evaluation
from grice_core.pipeline.options import identifying
from grice_core.recipes.config import EvaluationConfig
from grice_core.store import pipelines, references
from grice_core.store.json_text import digest_of
from grice_core.store.outputs import OUTPUT
from grice_core.store.pipelines import RunSummary
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import JsonObject, Pipeline

T = TypeVar("T")

_ADAPTER_FOLDER = "final_model"
"""In a stage's folder: its adapter for the plain base."""

MODEL_CARD = "README.md"
"""In that folder."""


@dataclass(frozen=True)
class EvaluatedPipeline:
    """A pipeline whose models have been judged."""

    id: int
    name: str
    seed: int
    run_id: int
    """The evaluation."""
    is_stale: bool
    """Something that it was built on has been run again since."""
    judged_by: str
    """The same for pipelines that were asked the same prompts by the same judge."""
    all_but_seed: str
    """The same for pipelines that differ in nothing but their seed."""

    @property
    def title(self) -> str:
        return f"{self.id} · {self.name} · seed {self.seed}"


@dataclass(frozen=True)
class TrainedPipeline:
    """A pipeline of which at least one stage can be asked."""

    id: int
    name: str
    seed: int
    evaluation: EvaluationConfig
    """How its evaluation samples."""

    @property
    def title(self) -> str:
        return f"{self.id} · {self.name}"


@dataclass(frozen=True)
class Opened(Generic[T]):
    """Pipelines as a page offers them, the newest first."""

    found: tuple[T, ...]
    unreadable: tuple[str, ...]
    """Of each that can't be read: why, in words."""


def evaluated_pipelines(studio: Studio) -> Opened[EvaluatedPipeline]:
    """Pipelines that can be compared."""
    return _opened(studio, RunKind.EVALUATE, _evaluated)


def trained_pipelines(studio: Studio) -> Opened[TrainedPipeline]:
    """Pipelines whose models can be asked."""
    return _opened(studio, RunKind.TRAIN, _trained)


def _opened(studio: Studio, kind: RunKind, read: Callable[[Pipeline, RunSummary], T]) -> Opened[T]:
    """Those of which a run of this kind has succeeded; one that is damaged keeps no other from being read."""
    found, unreadable = [], []
    for summary in pipelines.page(studio.database, limit=200):
        done = (run for run in summary.runs if run.kind is kind and run.state is RunState.SUCCEEDED)
        if (run := next(done, None)) is None:
            continue
        try:
            found.append(read(summary.pipeline, run))
        except DataError as error:
            unreadable.append(str(error))
    return Opened(tuple(found), tuple(unreadable))


_DECIDES_NOTHING: JsonObject = {"seed": None, "num_processes": None}
"""Which seed it was is what differs; how many processes train changes no number."""


def _evaluated(pipeline: Pipeline, run: RunSummary) -> EvaluatedPipeline:
    spec, stored = pipeline.spec, spec_of(pipeline)
    judge = {name: spec.get(name) for name in ("eval", "detector", "base")}
    judge["evaluation"] = spec["recipe"].get("evaluation")
    judge["samples_per_prompt"] = spec.get("samples_per_prompt", 1)
    judge["asked"] = spec.get("asked")
    return EvaluatedPipeline(
        pipeline.id,
        pipeline.name,
        stored.seed,
        run.id,
        run.stale,
        judged_by=digest_of(judge),
        all_but_seed=digest_of({"trained": None} | identifying(spec) | _DECIDES_NOTHING),
    )


def _trained(pipeline: Pipeline, run: RunSummary) -> TrainedPipeline:  # noqa: ARG001
    stored = spec_of(pipeline)
    return TrainedPipeline(pipeline.id, pipeline.name, stored.seed, stored.recipe.evaluation)


def output_of(studio: Studio, run_id: int) -> str:
    """The address of the output folder that a run left.

    Raises:
        ArtifactError: it left none.
    """
    made = references.of_run(studio.database, run_id)
    if OUTPUT not in made:
        raise ArtifactError(f"run {run_id} left no output folder: run it again")
    return made[OUTPUT].sha256


def open_evaluation(studio: Studio, sha256: str) -> StoredEvaluation:
    """Read the evaluation in an output folder.

    Raises:
        ArtifactError: the folder is missing or damaged.
        DataError: it holds no evaluation.
    """
    return stored_evaluation.open_evaluation(studio.artifacts, sha256, studio.scratch)


def adapter_stages(studio: Studio, run_id: int) -> set[str]:
    """The stages of whose adapters for the plain base an evaluation's output folder has a copy."""
    entries = studio.artifacts.folder(output_of(studio, run_id))
    return {
        PurePosixPath(entry.path).parts[0] for entry in entries if _is_of_an_adapter(entry.path)
    }


def zipped_adapter(
    studio: Studio, run_id: int, stage: str, rewritten: Callable[[str], str]
) -> bytes:
    """A stage's adapter with its card, which tells how it was judged, as one zip file.

    `rewritten` adds to the card what was not known when it was written.
    """
    file = io.BytesIO()
    folder = PurePosixPath(stage, _ADAPTER_FOLDER)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for entry in studio.artifacts.folder(output_of(studio, run_id)):
            path = PurePosixPath(entry.path)
            if path.is_relative_to(folder):
                content = studio.artifacts.read(entry.sha256)
                if path == folder / MODEL_CARD:
                    content = rewritten(content.decode("utf-8")).encode("utf-8")
                archive.writestr(str(path.relative_to(folder)), content)
    return file.getvalue()


def _is_of_an_adapter(path: str) -> bool:
    return PurePosixPath(path).match(f"*/{_ADAPTER_FOLDER}/adapter_config.json")
