"""What a job needs besides the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event

from grice_core.pipeline.sources import StoredPairs
from grice_core.store import references, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.states import Device
from grice_core.store.tables import Run
from worker.reporting import RunReporter
from worker.roles import OUTPUT
from worker.sharing import Sharing
from worker.spec import StoredData, StoredDetector, StoredFile
from worker.workspace import Workspace


@dataclass(frozen=True)
class JobContext:
    """One run being done."""

    database: Database
    artifacts: ArtifactStore
    home: Path
    claim: Claim
    run: Run
    stop: Event

    @property
    def device(self) -> str:
        """Where to compute: a worker sees one GPU, or none."""
        return "cuda" if self.run.device is Device.GPU else "cpu"

    @cached_property
    def reporting(self) -> RunReporter:
        return RunReporter(self.database, self.claim, self.stop)

    @cached_property
    def parent_output(self) -> str | None:
        """What the run before in the chain made, as the name of an artifact."""
        for parent in runs.parents(self.database, self.run.id):
            return references.of_run(self.database, parent.id)[OUTPUT].sha256
        return None

    @cached_property
    def sharing(self) -> Sharing:
        return Sharing(self.database, self.artifacts, self.claim, self.home)

    @cached_property
    def workspace(self) -> Workspace:
        built_on = self.parent_output or "nothing"
        return Workspace.open(self.home, self.claim, built_on, self.sharing.fetch)

    def fetch_data(self, data: StoredData) -> StoredPairs:
        """A data set, as columns."""
        path = self.workspace.inputs / f"{data.artifact_sha256}.parquet"
        if not path.exists():
            self.artifacts.fetch_file(data.artifact_sha256, path)
        return StoredPairs(path, data.name, data.sha256, data.num_rows)

    def fetch_file(self, file: StoredFile) -> Path:
        """A user's file, under its own name, which says what format it has."""
        path = self.workspace.inputs / file.sha256 / Path(file.name).name
        if not path.exists():
            self.artifacts.fetch_file(file.sha256, path)
        return path

    def fetch_files(self, files: Sequence[StoredFile], name: str) -> Path:
        """Files that lie beside each other, in a folder of this name."""
        folder = self.workspace.inputs / "files" / Path(name).name
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            path = folder / Path(file.name).name
            if not path.exists():
                self.artifacts.fetch_file(file.sha256, path)
        return folder

    def fetch_detector(self, detector: StoredDetector | str) -> str:
        """The detector's folder, or its hub id."""
        if isinstance(detector, str):
            return detector
        folder = self.workspace.inputs / detector.sha256
        if not folder.exists():
            self.artifacts.fetch_folder(detector.sha256, folder)
        return str(folder)

    def keep(self, role: str, folder: Path) -> None:
        """Keep a folder as an artifact of this run."""
        references.attach(self.database, self.claim, role, self.artifacts.put_folder(folder))

    def keep_file(self, role: str, file: Path) -> None:
        """Keep a file as an artifact of this run."""
        references.attach(self.database, self.claim, role, self.artifacts.put_file(file))
