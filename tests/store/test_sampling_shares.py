"""Shares of a round's answers: asked for by a run, taken back if no one has begun them, and gone with it."""

import pytest

from grice_core.errors import StaleOwnerError
from grice_core.store import pipelines, runs, sampling_shares, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import RunDraft, submit_run
from tests.store.samples import claim_of, queued, submitted_pipeline


def share(database: Database, run_id: int, number: int, round_: int = 0, pipeline: int = 7) -> int:
    spec = {"pipeline_id": pipeline, "run_id": run_id, "round": round_, "share": number}
    return submit_run(database, RunDraft(f"{run_id}/{round_}/{number}", RunKind.SAMPLE, spec))


def test_a_run_finds_those_of_this_time_only(database: Database) -> None:
    run_id, other = queued(database, "a"), queued(database, "b")
    now = [share(database, run_id, number, round_=1) for number in (1, 2)]
    share(database, run_id, 1, round_=0)
    share(database, other, 1, round_=1)
    assert [run.id for run in sampling_shares.of_run(database, run_id, 1)] == now


def test_only_what_waits_is_taken_back(database: Database) -> None:
    run_id = queued(database)
    waiting, running, left = (share(database, run_id, number) for number in (1, 2, 3))
    claim = claim_of(database, running)
    transitions.interrupt(database, claim_of(database, left), "its worker was killed")
    assert transitions.withdraw(database, waiting) is RunState.CANCELLED
    assert transitions.withdraw(database, left) is RunState.CANCELLED
    assert transitions.withdraw(database, running) is RunState.RUNNING
    assert not runs.get(database, running).stop_requested
    transitions.finish(database, claim)
    assert transitions.withdraw(database, running) is RunState.SUCCEEDED
    assert transitions.withdraw(database, 99) is None
    assert transitions.claim(database, waiting, "host:2") is None


def test_they_are_forgotten_by_their_run_and_by_no_former_owner(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    done, other = share(database, run_id, 1), share(database, queued(database, "b"), 1)
    transitions.interrupt(database, claim, "killed")
    with pytest.raises(StaleOwnerError):
        sampling_shares.remove(database, claim)
    assert runs.find(database, done) is not None
    sampling_shares.remove(database, claim_of(database, run_id))
    assert runs.find(database, done) is None
    assert runs.find(database, other) is not None


def test_they_go_with_their_pipeline(database: Database, artifacts: ArtifactStore) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    training = runs.of_pipeline(database, pipeline_id)[0].id
    asked = share(database, training, 1, pipeline=pipeline_id)
    pipelines.remove(database, pipeline_id)
    assert runs.find(database, asked) is None
