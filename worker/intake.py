"""What a user asked for, as what a worker can do: files in the store, and a specification."""

from dataclasses import dataclass, replace
from pathlib import Path

from grice_core.errors import InputError
from grice_core.progress import Progress
from grice_core.registry import Keeper, check_base
from grice_core.store import pipelines, references, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from worker.drafts import spec_of
from worker.requests import DetectorRequest, PipelineRequest
from worker.roles import OUTPUT
from worker.spec import FitDetectorSpec, PipelineSpec, StoredDetector, StoredFile, parse_pipeline


@dataclass(frozen=True)
class Intake:
    """Turns requests into specifications."""

    database: Database
    artifacts: ArtifactStore

    def stored(self, request: PipelineRequest, progress: Progress) -> PipelineRequest:
        """The same request, with everything that the user named by a path in the store."""
        keeper = Keeper(self.database, self.artifacts)
        data, prompts, detector = request.data, request.eval, request.detector
        if isinstance(data, Path):
            data = keeper.keep_pairs(data, data.name, progress)
        if prompts == request.data and request.leakage == "hold-out":
            prompts = data  # its usable pairs: a row without a prompt does not stand in the way
        if isinstance(prompts, Path):
            prompts = keeper.keep_prompts(prompts, prompts.name)
        if isinstance(detector, str) and Path(detector).expanduser().is_dir():
            detector = keeper.keep_detector(Path(detector).expanduser())
        return replace(request, data=data, eval=prompts, detector=detector)

    def spec(self, request: PipelineRequest) -> PipelineSpec:
        """Everything that a pipeline's numbers depend on; all its files are in the store.

        Raises:
            InputError: the base, or the stages that shall be evaluated, can't be used.
        """
        if request.trained_by is None:
            return spec_of(request)
        return spec_of(request, self._trained_stages(request.trained_by, request))

    def _trained_stages(self, pipeline_id: int, request: PipelineRequest) -> str:
        """The address of the output folder that holds all stages of a pipeline."""
        spec = parse_pipeline(pipelines.get(self.database, pipeline_id).spec)
        if (spec.recipe.stages, spec.base) != (request.recipe.stages, check_base(request.base)):
            raise InputError(
                f"pipeline {pipeline_id} trained other stages, or another base: to evaluate them, take "
                "its recipe and its base"
            )
        chain = runs.of_pipeline(self.database, pipeline_id)
        training = [run for run in chain if run.kind is RunKind.TRAIN]
        if not training or any(run.state is not RunState.SUCCEEDED for run in training):
            raise InputError(
                f"pipeline {pipeline_id} has not trained all its stages yet, so they can't be evaluated"
            )
        output = references.of_run(self.database, training[-1].id).get(OUTPUT)
        if output is None:
            raise InputError(f"pipeline {pipeline_id} has kept none of the stages that it trained")
        return output.sha256

    def detector_spec(self, request: DetectorRequest) -> FitDetectorSpec:
        """Everything that a detector's numbers depend on, its data in the store.

        Raises:
            InputError: the file can't be read, or there is no such folder.
        """
        try:
            data = self.artifacts.put_file(request.data)
        except OSError as error:
            raise InputError(f"{request.data} can't be read: {error.strerror}") from None
        start = request.start
        return FitDetectorSpec(
            how=request.how,
            data=StoredFile(name=request.data.name, sha256=data.sha256),
            start=check_base(start) if isinstance(start, str) else StoredDetector.of(start),
            name=request.name,
            settings=dict(request.settings),
        )
