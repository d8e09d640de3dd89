"""Exports of models stand beside a pipeline: they keep it while they are made, and go with it."""

from pathlib import Path

import pytest

from grice_core.errors import NotAllowedError, NotFoundError, TransitionError
from grice_core.store import model_exports, pipelines, references, runs, transitions
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import Address, ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.model_exports import EXPORTED
from grice_core.store.retention import Reason, Retention, plan, remove_expired
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft, submit_run
from tests.store.samples import ADA, DAY_S, age, claim_of, finished_pipeline, long_ago

KEEP_NONE = Retention(younger_than_s=DAY_S)


@pytest.fixture
def pipeline_id(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> int:
    """One that ended 40 days ago."""
    made = finished_pipeline(database, artifacts, tmp_path)
    age(database, made, 40)
    return made


def asked(database: Database, pipeline_id: int, key: str = "model") -> int:
    spec = {"pipeline_id": pipeline_id, "stage": "stage1"}
    return submit_run(
        database.acting_as(ADA), RunDraft(key, RunKind.EXPORT_MODEL, spec, stage="stage1")
    )


def made(database: Database, artifacts: ArtifactStore, run_id: int) -> tuple[Claim, Address]:
    """An export that is done, and its file."""
    claim, address = claim_of(database, run_id), artifacts.put_bytes(b"the weights")
    references.attach(database, claim, EXPORTED, address)
    transitions.finish(database, claim, {"size_bytes": 11})
    return claim, address


def test_it_is_no_run_of_the_pipelines_chain(database: Database, pipeline_id: int) -> None:
    run_id = asked(database, pipeline_id)
    asked(database, pipeline_id + 1, "of another")
    assert [run.id for run in model_exports.of_pipeline(database, pipeline_id)] == [run_id]
    assert run_id not in [run.id for run in runs.of_pipeline(database, pipeline_id)]
    (summary,) = pipelines.page(database)
    assert summary.has_succeeded()


def test_a_pipeline_stays_while_a_model_of_it_is_being_exported(
    database: Database, pipeline_id: int
) -> None:
    run_id = asked(database, pipeline_id)
    assert plan(database, KEEP_NONE).kept == {Reason.UNFINISHED: 1}
    claim = claim_of(database, run_id)
    with pytest.raises(TransitionError, match=f"run {run_id} is running"):
        pipelines.remove(database, pipeline_id)
    with pytest.raises(TransitionError, match=f"run {run_id} is running"):
        model_exports.remove(database, run_id)
    transitions.finish(database, claim, {})
    assert [one.id for one in plan(database, KEEP_NONE).expired] == [pipeline_id]


def test_it_goes_with_its_pipeline_and_so_do_its_files(
    database: Database, artifacts: ArtifactStore, pipeline_id: int, tmp_path: Path
) -> None:
    _, address = made(database, artifacts, asked(database, pipeline_id))
    waiting = asked(database, pipeline_id, "another form")
    other = asked(database, pipeline_id + 1, "of another")
    transitions.request_stop(database, waiting)
    age(database, pipeline_id, 40)
    long_ago(tmp_path / "artifacts")
    planned = plan(database, KEEP_NONE)
    before = references.garbage(database, artifacts, without=[pipeline_id])
    (removed,) = remove_expired(database, planned)
    assert removed.id == pipeline_id
    assert [run.id for run in runs.page(database)] == [other]
    assert references.collect_garbage(database, artifacts) == before
    assert not artifacts.contains(address.sha256)


def test_it_can_be_removed_alone_by_those_who_may(
    database: Database, artifacts: ArtifactStore, pipeline_id: int
) -> None:
    run_id = asked(database, pipeline_id)
    made(database, artifacts, run_id)
    bob = database.acting_as(Actor("bob", Role.MEMBER, "test"))
    with pytest.raises(NotAllowedError, match="only ada or an admin"):
        model_exports.remove(bob, run_id)
    model_exports.remove(database.acting_as(ADA), run_id)
    assert model_exports.of_pipeline(database, pipeline_id) == []
    training = runs.of_pipeline(database, pipeline_id)[0].id
    for no_export in (run_id, training):
        with pytest.raises(NotFoundError, match="there is no export"):
            model_exports.remove(database, no_export)
