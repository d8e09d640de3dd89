"""What a run made, and throwing away what no one needs."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy.orm import Session

from grice_core.errors import ArtifactError, NotFoundError, StaleOwnerError
from grice_core.store import data_sets, logs, pipelines, references, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.data_sets import DataSetDraft
from grice_core.store.database import Database
from grice_core.store.references import Collected, collect_garbage, garbage
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft, submit_run
from grice_core.store.tables import RunArtifact
from tests.store.samples import claim_of, finished_pipeline, submitted_pipeline


def new_claim(database: Database) -> Claim:
    return claim_of(database, submit_run(database, RunDraft("a", RunKind.TRAIN, {})))


def test_a_run_has_one_artifact_in_each_role(database: Database, artifacts: ArtifactStore) -> None:
    claim = new_claim(database)
    first, second = artifacts.put_bytes(b"step 10"), artifacts.put_bytes(b"step 20")
    references.attach(database, claim, "checkpoint", first)
    references.attach(database, claim, "checkpoint", second)
    references.attach(database, claim, "report", first)
    assert references.of_run(database, claim.run_id) == {"checkpoint": second, "report": first}
    assert references.get(database, first.sha256) == first


def test_a_stale_owner_attaches_nothing(database: Database, artifacts: ArtifactStore) -> None:
    claim = new_claim(database)
    transitions.give_back(database, claim)
    address = artifacts.put_bytes(b"late")
    with pytest.raises(StaleOwnerError):
        references.attach(database, claim, "checkpoint", address)
    with pytest.raises(NotFoundError, match=address.sha256):
        references.get(database, address.sha256)


def test_what_is_referred_to_is_kept(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    before = set(artifacts.stored())
    assert len(before) == 5  # data set, detector, two files of the adapter and their manifest
    stray = artifacts.put_bytes(b"no one needs me")
    assert garbage(database, artifacts, grace_s=0) == Collected(1, 15)
    assert garbage(database, artifacts) == Collected(0, 0)
    assert collect_garbage(database, artifacts, grace_s=0) == Collected(1, 15)
    assert garbage(database, artifacts, grace_s=0) == Collected(0, 0)
    assert not artifacts.contains(stray.sha256)
    assert set(artifacts.stored()) == before


def test_the_unusable_rows_of_a_data_set_are_kept_as_long_as_it_is(
    database: Database, artifacts: ArtifactStore
) -> None:
    pairs, rows = artifacts.put_bytes(b"pairs"), artifacts.put_bytes(b"rows that can't be used")
    draft = DataSetDraft("pairs.json", "a" * 64, pairs, 3, 2, 1, {"problems": []}, rows)
    data_set_id = data_sets.add(database, draft)
    assert collect_garbage(database, artifacts, grace_s=0) == Collected(0, 0)
    assert data_sets.get(database, data_set_id).report[references.UNUSABLE] == rows.sha256

    data_sets.remove(database, data_set_id)
    assert collect_garbage(database, artifacts, grace_s=0).num_files == 2


def test_stages_that_another_pipeline_shall_evaluate_outlive_their_own(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    first = finished_pipeline(database, artifacts, tmp_path)
    training = runs.of_pipeline(database, first)[0]
    (trained,) = references.of_run(database, training.id).values()
    second = submitted_pipeline(database, artifacts, "again", trained.sha256)
    pipelines.remove(database, first)
    collect_garbage(database, artifacts, grace_s=0)
    artifacts.fetch_folder(trained.sha256, tmp_path / "still there")

    pipelines.remove(database, second)
    collect_garbage(database, artifacts, grace_s=0)
    assert not artifacts.contains(trained.sha256)


def test_a_file_that_is_stored_again_while_it_is_collected_stays(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "slow")
    artifacts.put_bytes(b"again")
    stored = next(artifacts.stored())
    path = tmp_path / "artifacts" / stored.name
    os.utime(path, (0, 0))
    with ThreadPoolExecutor(1) as other:
        writing = other.submit(artifacts.objects.put, stored.name, tmp_path / "slow")
        with (tmp_path / "slow").open("wb") as source:  # opens when the other has
            source.write(b"aga")
            source.flush()
            while len(list(path.parent.iterdir())) == 1:
                assert not writing.done()
            assert collect_garbage(database, artifacts) == Collected(0, 0)
            source.write(b"in")
        writing.result()
    assert collect_garbage(database, artifacts) == Collected(0, 0)
    assert path.read_bytes() == b"again"


def test_what_is_referred_to_again_while_garbage_is_collected_stays_known(
    database: Database, artifacts: ArtifactStore
) -> None:
    claim, adapter = new_claim(database), artifacts.put_bytes(b"adapter")
    references.attach(database, claim, "adapter", adapter)
    references.detach(database, claim, "adapter")
    noted, collecting = Event(), Event()

    def attach_slowly(session: Session) -> None:
        references.note(session, adapter)
        noted.set()
        collecting.wait(10)
        time.sleep(0.1)  # the collection waits for this transaction, or should
        session.add(RunArtifact(run_id=claim.run_id, role="adapter", sha256=adapter.sha256))

    with ThreadPoolExecutor(1) as other:
        attaching = other.submit(database.write, attach_slowly)
        noted.wait(10)
        collecting.set()
        collect_garbage(database, artifacts, grace_s=-1)
        attaching.result()
    assert references.of_run(database, claim.run_id) == {"adapter": adapter}
    assert artifacts.contains(adapter.sha256)


def test_what_is_young_is_kept(database: Database, artifacts: ArtifactStore) -> None:
    artifacts.put_bytes(b"a user is about to need me")
    assert collect_garbage(database, artifacts) == Collected(0, 0)


def test_replaced_checkpoints_and_leftovers_go(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    claim = new_claim(database)
    for content in (b"step 10", b"step 20"):
        references.attach(database, claim, "checkpoint", artifacts.put_bytes(content))
    leftover = tmp_path / "artifacts" / "objects" / "ab" / ".abc.1f3a"
    leftover.parent.mkdir(exist_ok=True)
    leftover.write_bytes(b"half a file")
    assert collect_garbage(database, artifacts, grace_s=0).num_files == 2
    (kept,) = artifacts.stored()
    assert artifacts.read(Path(kept.name).name) == b"step 20"


def test_a_removed_pipeline_leaves_what_others_need(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    first = finished_pipeline(database, artifacts, tmp_path, "first")
    second = finished_pipeline(database, artifacts, tmp_path, "second")
    pipelines.remove(database, first)
    assert collect_garbage(database, artifacts, grace_s=0).num_files == 0  # the same adapter
    pipelines.remove(database, second)
    assert collect_garbage(database, artifacts, grace_s=0).num_files == 3
    assert runs.page(database) == []


def test_nothing_is_thrown_away_while_a_folder_can_not_be_read(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    training = runs.of_pipeline(database, pipeline_id)[0]
    manifest = references.of_run(database, training.id)["adapter"].sha256
    artifacts.objects.delete(f"objects/{manifest[:2]}/{manifest}")
    before = set(artifacts.stored())
    with pytest.raises(ArtifactError, match=manifest):
        collect_garbage(database, artifacts, grace_s=0)
    assert set(artifacts.stored()) == before


def test_logs_of_runs_that_are_gone_go_too(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    claim = new_claim(database)
    (tmp_path / "log").write_text("step 1\n")
    logs.publish(database, artifacts.objects, claim, tmp_path / "log")
    artifacts.objects.put_bytes("logs/77/1.log", b"of a run long removed")
    assert collect_garbage(database, artifacts, grace_s=0).num_files == 1
    (position,) = logs.positions(database, claim.run_id)
    assert logs.tail(artifacts.objects, position) == "step 1\n"


def test_a_page_follows_a_log_from_where_it_stopped(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    claim, log = new_claim(database), tmp_path / "log"
    log.write_text("step 1\n")
    logs.publish(database, artifacts.objects, claim, log)
    seen = logs.positions(database, claim.run_id)[0].size_bytes
    log.write_text("step 1\nstep 2 …\n")
    logs.publish(database, artifacts.objects, claim, log)
    (position,) = logs.positions(database, claim.run_id)
    assert logs.tail(artifacts.objects, position, seen) == "step 2 …\n"
    assert logs.tail(artifacts.objects, position, position.size_bytes) == ""
    assert (position.attempt, position.name) == (1, f"logs/{claim.run_id}/1.log")


def test_what_a_run_needs_no_more_is_thrown_away(
    database: Database, artifacts: ArtifactStore
) -> None:
    claim = new_claim(database)
    checkpoint, adapter = artifacts.put_bytes(b"step 10"), artifacts.put_bytes(b"adapter")
    references.attach(database, claim, "checkpoint", checkpoint)
    references.attach(database, claim, "adapter", adapter)
    references.detach(database, claim, "checkpoint")
    assert references.of_run(database, claim.run_id) == {"adapter": adapter}


def test_a_file_that_only_a_runs_specification_names_is_kept(
    database: Database, artifacts: ArtifactStore
) -> None:
    labels = artifacts.put_bytes(b"labelled texts")
    spec = {"data": {"name": "labels.json", "sha256": labels.sha256}}
    submit_run(database, RunDraft("a", RunKind.FIT_DETECTOR, spec))
    assert collect_garbage(database, artifacts, grace_s=0) == Collected(0, 0)
    assert artifacts.contains(labels.sha256)
