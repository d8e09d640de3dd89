"""What a user asked for, as what a worker can do: files in the store, and a specification."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from grice_core.data.columnar import write_pairs
from grice_core.data.load import load_pairs
from grice_core.errors import InputError
from grice_core.pipeline.sources import UserFile, read_as_asked
from grice_core.progress import Progress
from grice_core.registry import Keeper, check_base
from grice_core.store import actions, pipelines, references, runs
from grice_core.store.actors import Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Detector
from worker.drafts import spec_of
from worker.requests import DetectorRequest, ImportRequest, PipelineRequest
from worker.roles import OUTPUT
from worker.spec import (
    FitDetectorSpec,
    ImportDetectorSpec,
    PipelineSpec,
    StoredDetector,
    StoredFile,
    parse_pipeline,
)


@dataclass(frozen=True)
class Intake:
    """Turns requests into specifications."""

    database: Database
    artifacts: ArtifactStore

    def stored(self, request: PipelineRequest, progress: Progress) -> PipelineRequest:
        """The same request, with everything that the user named by a path in the store."""
        keeper = Keeper(self.database, self.artifacts)
        data, prompts = request.data, request.eval
        if isinstance(data, Path | UserFile):
            path, reading = read_as_asked(data)
            data = keeper.keep_pairs(path, path.name, progress, reading)
        if prompts == request.data and request.leakage == "hold-out":
            prompts = data  # its usable pairs: a row without a prompt does not stand in the way
        if isinstance(prompts, Path | UserFile):
            path, reading = read_as_asked(prompts)
            prompts = keeper.keep_prompts(path, path.name, reading)
        second = request.second_judge
        return replace(
            request,
            data=data,
            eval=prompts,
            detector=_kept(keeper, request.detector),
            second_judge=None if second is None else _kept(keeper, second),
        )

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

    def import_spec(self, request: ImportRequest) -> ImportDetectorSpec:
        """What an import needs, its files in the store.

        Raises:
            InputError: a file can't be read, or there is no such encoder.
        """
        source, temperatures = request.source, request.temperatures
        files = [source] if source.is_file() else [*filter(Path.is_file, sorted(source.iterdir()))]
        return ImportDetectorSpec(
            files=tuple(map(self._stored_file, files)),
            encoder=request.encoder and check_base(request.encoder),
            temperatures=temperatures and self._stored_file(temperatures),
            name=request.name,
        )

    def _stored_file(self, path: Path) -> StoredFile:
        """A user's file, put into the store as it is.

        Raises:
            NotAllowedError: a viewer asks.
            InputError: it can't be read.
        """
        actions.require(self.database, Role.MEMBER)
        try:
            return StoredFile(name=path.name, sha256=self.artifacts.put_file(path).sha256)
        except OSError as error:
            raise InputError(f"{path} can't be read: {error.strerror}") from None

    def _stored_data(self, data: Path | UserFile) -> StoredFile:
        """A detector's data: as it is, or its pairs where they are read in a way of their own.

        Raises:
            InputError: it can't be read.
        """
        if isinstance(data, Path):
            return self._stored_file(data)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{data.path.stem}.parquet"
            write_pairs(path, load_pairs(data.path, reading=data.reading).table)
            return self._stored_file(path)

    def detector_spec(self, request: DetectorRequest) -> FitDetectorSpec:
        """Everything that a detector's numbers depend on, its data in the store.

        Raises:
            InputError: the file can't be read, or there is no such folder.
        """
        start = request.start
        return FitDetectorSpec(
            how=request.how,
            data=self._stored_data(request.data),
            start=check_base(start) if isinstance(start, str) else StoredDetector.of(start),
            name=request.name,
            settings=dict(request.settings),
        )


def _kept(keeper: Keeper, detector: str | Detector) -> str | Detector:
    """A detector of the store, or its hub id; one that the user named by its folder is put there."""
    if isinstance(detector, str) and Path(detector).expanduser().is_dir():
        return keeper.keep_detector(Path(detector).expanduser())
    return detector
