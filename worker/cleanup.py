"""Making room: old pipelines by rules, then files and scratch folders that no one needs."""

from dataclasses import dataclass
from pathlib import Path

from grice_core.store import actions, references, retention
from grice_core.store.actors import Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.kept import KeptSize, kept_in
from grice_core.store.references import Collected
from grice_core.store.retention import Retention, RetentionPlan
from worker import workspace


@dataclass(frozen=True)
class CleanupPlan:
    """What goes by rules, and what is kept."""

    pipelines: RetentionPlan
    files: Collected
    """What no one needs now, and what no one would need without those pipelines."""


@dataclass(frozen=True)
class Cleanup:
    """Old pipelines go by rules; files go that no one needs, once they are a day old."""

    database: Database
    artifacts: ArtifactStore
    home: Path

    def garbage(self) -> Collected:
        """What `collect_garbage` would throw away now."""
        scratch = workspace.leftovers(self.database, self.home)
        return scratch + references.garbage(self.database, self.artifacts)

    def collect_garbage(self) -> Collected:
        """Throw away the artifacts and scratch folders that no one needs any more.

        Raises:
            NotAllowedError: the actor is no admin.
        """
        stored = references.collect_garbage(self.database, self.artifacts)  # refuses who may not
        return stored + workspace.remove_leftovers(self.database, self.home)

    def kept(self) -> KeptSize:
        """How much is kept of answers, scores and trained stages, to be taken over by later runs."""
        return kept_in(self.artifacts.objects).size()

    def forget_kept(self) -> KeptSize:
        """Remove it; later runs ask and judge anew.

        Raises:
            NotAllowedError: the actor is no admin.
        """
        actions.require(self.database, Role.ADMIN)
        return kept_in(self.artifacts.objects).forget()

    def plan(self, rules: Retention) -> CleanupPlan:
        """What rules would let go now; nothing is changed."""
        planned = retention.plan(self.database, rules)
        without = [pipeline.id for pipeline in planned.expired]
        scratch = workspace.leftovers(self.database, self.home, without=without)
        stored = references.garbage(self.database, self.artifacts, without=without)
        return CleanupPlan(planned, scratch + stored)

    def carry_out(self, planned: CleanupPlan) -> tuple[int, Collected]:
        """Remove the pipelines of a plan that still may go, then files; returns how many of each.

        Raises:
            NotAllowedError: the actor is no admin.
        """
        actions.require(self.database, Role.ADMIN)
        removed = retention.remove_expired(self.database, planned.pipelines)
        return len(removed), self.collect_garbage()
