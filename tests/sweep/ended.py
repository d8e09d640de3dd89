"""Pipelines of sweeps that end at once: how well each does is a function, and no model is needed."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import update
from sqlalchemy.orm import Session

from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.store import references, runs, sweeps, transitions
from grice_core.store.artifacts import Address, ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database, writes
from grice_core.store.states import RunKind, RunState
from grice_core.store.sweeps import MemberStanding
from grice_core.store.tables import Run, RunArtifact
from grice_core.sweep.plan import Models
from grice_core.sweep.search import Member
from grice_core.sweep.stored import entries_of
from tests.evaluation.folders import evaluated_folder

NUM_PROMPTS = 12


def better_with_beta(member: Member) -> int:
    """Cooperative answers: the recipe as it is and a small beta give few, a larger one gives all."""
    return 12 if member.params.get("stage2.beta", 0) > 0.3 else 4


def models_of(member: Member, num_good: int, num_prompts: int = NUM_PROMPTS) -> Models:
    """The baseline and two stages; the last one violates nothing in so many of its answers."""
    return (
        answered("baseline", 2, member.half, num_prompts),
        answered("stage1", 3, member.half, num_prompts),
        answered("stage2", min(num_good, num_prompts), member.half, num_prompts),
    )


def answered(name: str, num_good: int, half: str, num_prompts: int) -> EvaluatedModel:
    """As many of the prompts get a cooperative answer; the others' violate one maxim or several."""
    scores = np.zeros((num_prompts, len(MAXIMS)))
    for row in range(num_good, num_prompts):
        scores[row, [row % 4, (row // 4) % 4]] = 1.0
    prompts = [f"{half} {number}" for number in range(num_prompts)]
    return EvaluatedModel(name, prompts, ["yes"] * num_prompts, scores, np.full(4, 0.5))


@dataclass(frozen=True)
class EndingWorkers:
    """Do runs in no time, and leave made-up evaluations."""

    database: Database
    artifacts: ArtifactStore
    num_good: Callable[[Member], int] = better_with_beta
    fails: Callable[[Member], str] = lambda _: ""
    num_prompts: int = NUM_PROMPTS
    _kept: dict[tuple[str, int], Address] = field(default_factory=dict)

    def end(self, sweep_id: int) -> int:
        """Do all runs of a sweep's pipelines that wait; returns how many pipelines ended."""
        waiting = [each for each in sweeps.members(self.database, sweep_id) if _waits(each)]
        for standing in waiting:
            (entry,) = entries_of([standing])
            if reason := self.fails(entry.member):
                self._fail(standing.runs[0], reason)
            else:
                _succeed(self.database, standing, self._evaluation(entry.member))
                transitions.finish(self.database, self._claimed(standing.runs[-1]), {})
        return len(waiting)

    def _fail(self, run: Run, reason: str) -> None:
        transitions.fail(self.database, self._claimed(run), reason)

    def _claimed(self, run: Run) -> Claim:
        claim = transitions.claim(self.database, run.id, "host:1")
        assert claim is not None
        return claim

    def _evaluation(self, member: Member) -> Address:
        key = member.half, self.num_good(member)
        if key not in self._kept:
            with tempfile.TemporaryDirectory() as folder:
                models = models_of(member, self.num_good(member), self.num_prompts)
                out = evaluated_folder(Path(folder) / "out", *models)
                self._kept[key] = self.artifacts.put_folder(out)
        return self._kept[key]


@writes
def _succeed(session: Session, standing: MemberStanding, output: Address) -> None:
    """Let all runs of a member but the last one have succeeded, and its evaluation have left this."""
    now = time.time()
    ids = [run.id for run in standing.runs[:-1]]
    done = {"state": RunState.SUCCEEDED, "started_at": now, "finished_at": now + 2}
    session.execute(update(Run).where(Run.id.in_(ids)).values(**done))
    references.note(session, output)
    (evaluation,) = (run.id for run in standing.runs if run.kind is RunKind.EVALUATE)
    session.add(RunArtifact(run_id=evaluation, role="output", sha256=output.sha256))


def _waits(standing: MemberStanding) -> bool:
    return bool(standing.runs) and all(run.state.is_waiting() for run in standing.runs)


def states_of(database: Database, sweep_id: int) -> set[str]:
    """Of all runs of a sweep's pipelines."""
    found = sweeps.members(database, sweep_id)
    chains = [runs.of_pipeline(database, each.member.pipeline_id or 0) for each in found]
    return {str(run.state) for chain in chains for run in chain}
