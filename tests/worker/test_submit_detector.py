"""Detectors asked for through the queue."""

import json
import shutil

import pytest
from redis import Redis

from grice_core.errors import InputError
from grice_core.store import detectors, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from tests.detector import lessons, tiny
from tests.worker.installation import eventually
from worker.queue import DetectorRequest, RunQueue


@pytest.fixture
def queue(tmp_path, template):
    """A queue whose server is away."""
    database = Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")
    nowhere = Redis(unix_socket_path=str(tmp_path / "nowhere.sock"))
    yield RunQueue(database, ArtifactStore(f"file://{tmp_path}/artifacts"), nowhere)
    database.engine.dispose()


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text("[]")
    return path


def request(data, **changes):
    fields = {"how": "train", "data": data, "start": "someone/encoder", "name": "mine"}
    return DetectorRequest(**(fields | changes))


def test_asking_twice_gives_one_run(queue, labels):
    first = queue.submit_detector(request(labels, settings={"epochs": 2}))
    assert queue.submit_detector(request(labels, settings={"epochs": 2})) == first
    assert queue.submit_detector(request(labels, settings={"epochs": 3})) != first
    run = runs.get(queue.database, first)
    assert run.kind is RunKind.FIT_DETECTOR
    assert run.spec["data"]["name"] == "labels.json"
    assert queue.artifacts.read(run.spec["data"]["sha256"]) == b"[]"


def test_what_can_not_be_used_is_not_submitted(queue, labels, tmp_path):
    with pytest.raises(InputError, match=r"nothing\.json can't be read"):
        queue.submit_detector(request(tmp_path / "nothing.json"))
    with pytest.raises(InputError, match="no base model"):
        queue.submit_detector(request(labels, start="./no/such/encoder"))
    assert runs.page(queue.database) == []


def test_the_command_has_a_detector_trained_and_kept(installation, tmp_path):
    installation.stand()
    labels = lessons.write_labels(tmp_path / "labels.json")
    encoder = tiny.write_encoder(tmp_path / "encoder")
    asked = installation.grice(
        *("submit", "detector", "train", str(labels), "--start", str(encoder)),
        *("--name", "mine", "--epochs", "1"),
    )
    assert asked.returncode == 0, asked.stderr
    run_id, database = int(asked.stdout), installation.queue().database

    def ended():
        run = runs.get(database, run_id)
        return run if run.state.is_finished() else None

    run = eventually(ended, "the detector is made")
    assert run.state is RunState.SUCCEEDED, run.error
    assert detectors.get(database, run.result["detector_id"]).name == "mine"
    listed = json.loads(installation.grice("runs", "--json", "--limit", "1").stdout)
    assert [(row["kind"], row["state"]) for row in listed] == [("fit_detector", "succeeded")]
