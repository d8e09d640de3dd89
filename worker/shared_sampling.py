"""Other workers' help with the answers that a round samples: runs of a kind of their own, which any worker may take.

They are only help. What none of them has begun once the round's own share is written, or could not finish, the
round's run takes back and writes itself; so nothing waits for a worker that never comes.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis import RedisError

from grice_core.errors import GriceError
from grice_core.store import (
    claims,
    references,
    runs,
    sampling_shares,
    submission,
    transitions,
)
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import RunDraft
from grice_core.store.tables import Run
from worker import notify
from worker.connection import connect
from worker.heartbeats import read_heartbeats
from worker.roles import ANSWERS
from worker.spec import SampleSpec

FEWEST_ANSWERS = 64
"""Of a share: a helper takes seconds to load the model."""
_LOOK_EVERY_S = 1.0


@dataclass
class WorkerHelp:
    """What the run of one round asks of other workers; see `grice_core.pipeline.helped_answers.Helpers`."""

    database: Database
    artifacts: ArtifactStore
    claim: Claim
    run: Run
    output: str
    """Address of the pipeline's output folder, as the round finds it."""
    folder: Path
    """For what helpers wrote."""
    num_free: Callable[[Run, Claim], int]
    """How many other workers could help."""
    say: Callable[[str], None]
    _shares: dict[int, int] = field(default_factory=dict)
    """Runs of the shares, by number."""
    _looked: tuple[float, int] = (float("-inf"), 0)
    """When it was last counted what they have written, and how much that was."""

    def ask(self, num_answers: int) -> int:
        """Ask for help with so many answers, unless an attempt before has."""
        before = sampling_shares.of_run(self.database, self.run.id, self.run.round)
        count = int(before[0].spec["count"]) if before else self._count(num_answers)
        if count > 1:
            drafts = [self._draft(share, count) for share in range(1, count)]
            self._shares = {
                share: submission.submit_run(self.database, draft)
                for share, draft in enumerate(drafts, start=1)
            }
            self._wake()
            self.say(f"other workers may write {count - 1} of {count} shares of the answers")
        return count

    def written(self, share: int) -> Path | None:
        """The journal of a share that is done."""
        run = self._run(share)
        if run is None or run.state is not RunState.SUCCEEDED:
            return None
        path = self.folder / f"share-{share}"
        answers = references.of_run(self.database, run.id)[ANSWERS]
        self.artifacts.fetch_file(answers.sha256, path)
        return path

    def take_back(self, share: int) -> bool:
        """Whether no other worker is at work on a share, nor will be."""
        state = transitions.withdraw(self.database, self._shares[share])
        return state is not RunState.RUNNING

    def num_written(self) -> int:
        """About how many answers are written and not fetched; asked about once a second."""
        counted_at, count = self._looked
        if time.monotonic() - counted_at >= _LOOK_EVERY_S:
            found = [self._run(share) for share in self._shares if not self._is_fetched(share)]
            states = {RunState.RUNNING, RunState.SUCCEEDED}
            count = sum(run.step for run in found if run is not None and run.state in states)
            self._looked = time.monotonic(), count
        return count

    def dismiss(self) -> None:
        """Remove the runs of the shares, which have all ended."""
        sampling_shares.remove(self.database, self.claim)

    def stop(self) -> None:
        """Let no one write what is not needed any more."""
        with suppress(GriceError):
            claims.heartbeat(self.database, self.claim)  # else they are another's by now
            for share in sampling_shares.of_run(self.database, self.run.id, self.run.round):
                transitions.request_stop(self.database, share.id)

    def _count(self, num_answers: int) -> int:
        others = self.num_free(self.run, self.claim)
        return max(1, min(1 + others, num_answers // FEWEST_ANSWERS))

    def _draft(self, share: int, count: int) -> RunDraft:
        spec = SampleSpec(
            pipeline_id=self.run.pipeline_id or 0,
            run_id=self.run.id,
            round=self.run.round,
            pipeline=self.run.spec,
            output=self.output,
            stage=self.run.stage or "",
            share=share,
            count=count,
        )
        key = f"sample-{self.run.id}-{self.run.round}-{share}-of-{count}"
        # First in the queue: a run that works waits for it.
        return RunDraft(
            key,
            RunKind.SAMPLE,
            spec.model_dump(mode="json"),
            self.run.device,
            spec.stage,
            priority=1,
        )

    def _run(self, share: int) -> Run | None:
        return runs.find(self.database, self._shares[share])

    def _is_fetched(self, share: int) -> bool:
        return (self.folder / f"share-{share}").exists()

    def _wake(self) -> None:
        with suppress(RedisError):  # away: workers look at the database now and then
            notify.wake(connect(), runs.ready(self.database))


def free_workers(database: Database) -> Callable[[Run, Claim], int]:
    """Counts the workers of a run's device that listen and have nothing to do."""

    def count(run: Run, claim: Claim) -> int:
        try:
            listening = read_heartbeats(connect())
        except RedisError:
            return 0
        running = runs.page(database, runs.RunFilter(states=(RunState.RUNNING,)))
        busy: Sequence[str | None] = [claim.owner, *(each.owner for each in running)]
        return sum(each.device is run.device and each.name not in busy for each in listening)

    return count
