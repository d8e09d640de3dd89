"""Asking for detectors, and for pairs to be scored by one."""

from collections.abc import Callable
from dataclasses import dataclass

from grice_core.store import runs, submission, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.json_text import digest_of
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.submission import RunDraft
from grice_core.store.tables import DataSet, Detector
from worker.intake import Intake
from worker.requests import DetectorRequest, DeviceChoice, ImportRequest
from worker.spec import ScoreDataSpec, StoredData, StoredDetector


@dataclass(frozen=True)
class DetectorQueue:
    """Everything that the app and the command do with runs about detectors."""

    database: Database
    artifacts: ArtifactStore
    wake: Callable[[], bool]
    device_of: Callable[[DeviceChoice], Device]

    def train(self, request: DetectorRequest) -> int:
        """Ask for a detector; asking twice for the same gives the same run. Returns its id.

        Raises:
            InputError: the file can't be read, or there is no such folder; nothing is submitted then.
        """
        spec = Intake(self.database, self.artifacts).detector_spec(request)
        body = spec.model_dump(mode="json")
        device = self.device_of(request.device)
        return self._submit(
            RunDraft(f"detector-{digest_of(body)}", RunKind.FIT_DETECTOR, body, device)
        )

    def take_in(self, request: ImportRequest) -> int:
        """Ask for a foreign detector to be imported; asking twice gives the same run. Returns its id.

        Raises:
            InputError: a file can't be read, or there is no such encoder; nothing is submitted then.
        """
        spec = Intake(self.database, self.artifacts).import_spec(request)
        body = spec.model_dump(mode="json")
        key, device = f"import-{spec.digest}", self.device_of("auto")
        return self._submit(RunDraft(key, RunKind.IMPORT_DETECTOR, body, device))

    def score(self, data: DataSet, detector: Detector) -> int:
        """Ask for the unscored pairs of a data set to be scored; asking twice gives the same run.

        One that failed or was cancelled continues; one that is done is done again. Returns its id.
        """
        spec = ScoreDataSpec(data=StoredData.of(data), detector=StoredDetector.of(detector))
        body = spec.model_dump(mode="json")
        key, device = f"score-{spec.digest}", self.device_of("auto")
        run_id = self._submit(RunDraft(key, RunKind.SCORE_DATA, body, device))
        state = runs.get(self.database, run_id).state
        if state is RunState.SUCCEEDED:
            transitions.rerun(self.database, run_id)
        elif state.is_finished():
            transitions.resume(self.database, run_id)
        self.wake()
        return run_id

    def _submit(self, draft: RunDraft) -> int:
        run_id = submission.submit_run(self.database, draft)
        self.wake()
        return run_id
