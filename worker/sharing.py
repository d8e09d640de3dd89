"""Checkpoints for workers that have another home: kept as an artifact while the run continues."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grice_core.errors import ArtifactError
from grice_core.store import references
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from worker.roles import CHECKPOINT
from worker.workspace import Workspace

_PAUSE_S = 600.0
"""Between two checkpoints that are shared: each stays in the store until garbage is collected."""


@dataclass(frozen=True)
class Sharing:
    """What a run needs to continue elsewhere."""

    database: Database
    artifacts: ArtifactStore
    claim: Claim
    home: Path

    def is_needed(self) -> bool:
        """Whether there may be workers that share the artifacts, and not the home."""
        return not self.artifacts.objects.lies_in(self.home)

    def fetch(self, target: Path) -> None:
        """Make a folder of the state that was shared last, if any was."""
        shared = references.of_run(self.database, self.claim.run_id).get(CHECKPOINT)
        if shared is None:
            return
        try:
            self.artifacts.fetch_folder(shared.sha256, target)
        except ArtifactError as error:  # better to start over than not at all
            print(f"passed over the checkpoint that was shared: {error}", flush=True)  # noqa: T201

    def put(self, workspace: Workspace) -> None:
        """Share the state as it is now."""
        state = self.artifacts.put_folder(workspace.state)
        references.attach(self.database, self.claim, CHECKPOINT, state)

    def forget(self) -> None:
        """The run is through: no one will continue with it."""
        references.detach(self.database, self.claim, CHECKPOINT)


@dataclass
class CheckpointWatch:
    """Shares the checkpoints that training writes into a folder."""

    sharing: Sharing
    workspace: Workspace
    checkpoints: Path
    clock: Callable[[], float] = time.monotonic
    _shared: str = ""
    _not_before: float = float("-inf")

    def look(self) -> None:
        """Share the newest checkpoint, unless that was done, or the last time is not long ago."""
        if self.clock() >= self._not_before:
            self.share()

    def share(self) -> None:
        """Share the newest checkpoint, unless that was done."""
        newest = max((folder.name for folder in self.checkpoints.glob("step-*")), default="")
        if newest != self._shared and self.sharing.is_needed():
            self.sharing.put(self.workspace)
            self._shared = newest
            self._not_before = self.clock() + _PAUSE_S
