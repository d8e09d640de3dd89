"""The queue's door: asking for pipelines, stopping and repeating runs, seeing who works.

What is asked for is in the database when a call returns, whether or not the queue's server can be
reached; then a wake-up is sent. If it can't be, the next worker's look at the database does it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis, RedisError

from grice_core.progress import Progress, silent
from grice_core.settings import Settings, settings
from grice_core.store import (
    migrate,
    pipelines,
    queue_lines,
    recipes,
    runs,
    submission,
    transitions,
)
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect as connect_database
from grice_core.store.outputs import newest_output
from grice_core.store.runs import RunFilter
from grice_core.store.states import Device, RunState
from grice_core.store.submission import PipelineDraft, RunDraft
from grice_core.store.tables import Run
from worker import notify
from worker.cleanup import Cleanup, CleanupPlan
from worker.connection import connect
from worker.detector_queue import DetectorQueue
from worker.drafts import chain_of, in_store, key_of, measurement_of
from worker.heartbeats import read_heartbeats
from worker.intake import Intake
from worker.metrics import Metrics, serve_metrics
from worker.model_exports import ModelExports
from worker.playground.board import (
    DetectorTrial,
    PlaygroundAnswer,
    PlaygroundRequest,
    PlaygroundView,
    Standing,
)
from worker.playground.desk import PlaygroundDesk
from worker.reconcile import take_from_dead
from worker.requests import (
    DetectorRequest,
    DeviceChoice,
    ImportRequest,
    PipelineRequest,
    WorkerStatus,
)
from worker.sweep_queue import SweepQueue, is_optuna_installed
from worker.visitors import Visitors

__all__ = [
    "Cleanup",
    "CleanupPlan",
    "DetectorQueue",
    "DetectorRequest",
    "DetectorTrial",
    "DeviceChoice",
    "ImportRequest",
    "ModelExports",
    "PipelineRequest",
    "PlaygroundAnswer",
    "PlaygroundDesk",
    "PlaygroundRequest",
    "PlaygroundView",
    "RunQueue",
    "Standing",
    "SweepQueue",
    "WorkerStatus",
    "is_optuna_installed",
]

_RUNNING = RunFilter(states=(RunState.RUNNING,))


@dataclass(frozen=True)
class RunQueue:
    """Everything that the app and the command do with runs."""

    database: Database
    artifacts: ArtifactStore
    redis: Redis = field(default_factory=connect)

    @classmethod
    def open(cls) -> "RunQueue":
        """The queue that the environment names; an empty database gets its tables.

        Raises:
            StoreError: the database can't be reached, or has the tables of another version.
        """
        database = migrate.opened(settings().database_url)
        return cls(database, ArtifactStore(settings().artifacts_url))

    @classmethod
    def impatient(cls, where: Settings) -> "RunQueue":
        """For those who ask again soon anyway: nothing is waited for, and no table made."""
        engine = connect_database(where.database_url)
        database = Database(engine, Retries(give_up_after_s=0.5))
        return cls(database, ArtifactStore(where.artifacts_url))

    def submit(self, request: PipelineRequest, progress: Progress = silent) -> int:
        """Ask for a pipeline; asking twice for the same gives the same one. Returns its id.

        Raises:
            NotAllowedError: a viewer asks.
            InputError: a file, the detector or the base can't be used; nothing is submitted then.
        """
        request = self._intake.stored(request, progress)
        spec = self._intake.spec(request)
        recipe_body = request.recipe.model_dump(mode="json")
        detector = request.detector
        again = "" if spec.trained is None else ", evaluated again"
        draft = PipelineDraft(
            key=key_of(spec),
            name=request.title(request.recipe.name, spec.data.name + again),
            recipe_id=recipes.save(self.database, request.recipe.name, recipe_body),
            data_set_id=in_store(request.data).id,
            eval_data_set_id=in_store(request.eval).id,
            detector_id=None if isinstance(detector, str) else detector.id,
            base=spec.base,
            trained_sha256=spec.trained,
            spec=spec.document(),
            runs=chain_of(spec, self._device(request.device)),
        )
        pipeline_id = submission.submit(self.database, draft)
        self.wake()
        return pipeline_id

    def submitted_before(self, request: PipelineRequest) -> int | None:
        """The pipeline that submitting this would give, if it was submitted already.

        Raises:
            InputError: the base, or the stages that shall be evaluated, can't be used.
        """
        return pipelines.with_key(self.database, key_of(self._intake.spec(request)))

    def measure(self, request: PipelineRequest) -> int:
        """Have a worker measure what a pipeline would take; asking twice gives the same run.

        One that failed or was cancelled is done again. Returns its id; its result is an `Estimate`.

        Raises:
            InputError: the base can't be used.
        """
        run_id = self.submit_run(self._measurement(self._intake.stored(request, silent)))
        if runs.get(self.database, run_id).state in {RunState.FAILED, RunState.CANCELLED}:
            self.resume(run_id)
        return run_id

    def measurement(self, request: PipelineRequest) -> Run | None:
        """The run that measures what a pipeline would take, if it was asked for.

        Raises:
            InputError: the base can't be used.
        """
        return runs.with_key(self.database, self._measurement(request).key)

    def _measurement(self, request: PipelineRequest) -> RunDraft:
        return measurement_of(self._intake.spec(request), self._device(request.device))

    def submit_run(self, draft: RunDraft) -> int:
        """Ask for a run outside any pipeline, such as a detector to be made; returns its id."""
        run_id = submission.submit_run(self.database, draft)
        self.wake()
        return run_id

    def remove(self, pipeline_id: int) -> None:
        """Forget a pipeline and its runs; see `pipelines.remove`."""
        pipelines.remove(self.database, pipeline_id)

    def pause(self) -> None:
        """Let workers take nothing new; running jobs continue."""
        queue_lines.pause(self.database)

    def unpause(self) -> None:
        """Let workers take runs again."""
        queue_lines.unpause(self.database)
        self.wake()

    def stop(self, run_id: int) -> RunState:
        """Ask a run to write a checkpoint and stop; see `transitions.request_stop`."""
        return transitions.request_stop(self.database, run_id)

    def take_from_dead(self) -> None:
        """Take runs from workers that were killed, as far as that can be known here.

        Workers do it too, but the last one may have been killed: who looks at a run asks for it.
        """
        if take_from_dead(self.database, settings().home):
            self.wake()

    def resume(self, run_id: int) -> None:
        """Let a failed or cancelled run continue; see `transitions.resume`."""
        transitions.resume(self.database, run_id)
        self.wake()

    def rerun(self, run_id: int) -> list[int]:
        """Do a run again from nothing; returns the runs that are stale now. See `transitions.rerun`."""
        stale = transitions.rerun(self.database, run_id)
        self.wake()
        return stale

    def fetch_results(self, pipeline_id: int, out: Path) -> list[str]:
        """Write the output folder of a pipeline, as far as it has come, to a path not there yet.

        Returns:
            The runs that are not done yet, in words.

        Raises:
            NotFoundError: there is no such pipeline, or it has made nothing yet.
        """
        output = newest_output(self.database, pipeline_id)
        self.artifacts.fetch_folder(output.sha256, out)
        return [
            f"{run.kind.of_stage(run.stage)} ({run.state})"
            for run in runs.of_pipeline(self.database, pipeline_id)
            if run.state is not RunState.SUCCEEDED
        ]

    @property
    def playground(self) -> PlaygroundDesk:
        """Asking models and detectors."""
        return PlaygroundDesk(self.database, self.redis)

    @property
    def cleanup(self) -> Cleanup:
        """Making room."""
        return Cleanup(self.database, self.artifacts, settings().home)

    @property
    def detectors(self) -> DetectorQueue:
        """Detectors in the making, and what they score."""
        return DetectorQueue(self.database, self.artifacts, self.wake, self._device)

    @property
    def sweeps(self) -> SweepQueue:
        """Settings that are searched."""
        return SweepQueue(self.database, self.artifacts, self.wake, self._device)

    @property
    def model_exports(self) -> ModelExports:
        """Stages that are written for other programs."""
        return ModelExports(self.database, self.wake, lambda: self._device("auto"))

    def wake(self) -> bool:
        """Send wake-ups for everything that could be taken; returns whether the queue could be reached."""
        try:
            notify.wake(self.redis, runs.ready(self.database))
        except RedisError:
            return False
        return True

    def serve_metrics(self, address: str, port: int) -> None:
        """Answer Prometheus from now on; see `metrics.serve_metrics`."""
        serve_metrics(Metrics(self.database, self.redis, settings().home.absolute()), address, port)

    def is_available(self) -> bool:
        """Whether the queue's server answers."""
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def workers(self) -> list[WorkerStatus]:
        """The workers that listen, as far as the queue's server knows."""
        try:
            listening = read_heartbeats(self.redis)
        except RedisError:
            return []
        busy = {run.owner for run in runs.page(self.database, _RUNNING)} if listening else set()
        return [
            WorkerStatus(
                worker.name,
                worker.device,
                worker.name in busy,
                worker.hardware,
                worker.writes_gguf,
            )
            for worker in listening
        ]

    @property
    def visitors(self) -> Visitors:
        """Who is signed in and has a page open."""
        return Visitors(self.redis)

    @property
    def _intake(self) -> Intake:
        return Intake(self.database, self.artifacts)

    def _device(self, wanted: DeviceChoice) -> Device:
        if wanted != "auto":
            return Device(wanted)
        on_gpu = any(worker.device is Device.GPU for worker in self.workers())
        return Device.GPU if on_gpu else Device.CPU
