"""Runs outside pipelines: detectors made, data sets scored, and what can't be done."""

import json
import shutil

import pytest
from pydantic import ValidationError

from grice_core.data.columnar import read_pairs
from grice_core.data.load import load_pairs
from grice_core.errors import InputError
from grice_core.maxims import MAXIMS
from grice_core.registry import Keeper
from grice_core.store import data_sets, detectors, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import RunDraft
from tests.app.judges import write_judge
from tests.detector import lessons, tiny
from tests.worker.asked import ask_anew, unique_name
from tests.worker.processes import eventually
from worker.client import DetectorRequest, ImportRequest, RunQueue
from worker.connection import client_of
from worker.spec import ImportDetectorSpec


@pytest.fixture
def queue(tmp_path, template):
    """A queue whose server is away."""
    database = Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")
    nowhere = client_of(f"unix://{tmp_path}/nowhere.sock")
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
    first = queue.detectors.train(request(labels, settings={"epochs": 2}))
    assert queue.detectors.train(request(labels, settings={"epochs": 2})) == first
    assert queue.detectors.train(request(labels, settings={"epochs": 3})) != first
    run = runs.get(queue.database, first)
    assert run.kind is RunKind.FIT_DETECTOR
    assert run.spec["data"]["name"] == "labels.json"
    assert queue.artifacts.read(run.spec["data"]["sha256"]) == b"[]"


def test_what_can_not_be_used_is_not_submitted(queue, labels, tmp_path):
    with pytest.raises(InputError, match=r"nothing\.json can't be read"):
        queue.detectors.train(request(tmp_path / "nothing.json"))
    with pytest.raises(InputError, match="no base model"):
        queue.detectors.train(request(labels, start="./no/such/encoder"))
    assert runs.page(queue.database) == []


def made(installation, *arguments):
    """The detector that a run made which was asked for by command."""
    asked = installation.grice("submit", "detector", *map(str, arguments))
    assert asked.returncode == 0, asked.stderr
    run_id, database = int(asked.stdout), installation.queue().database

    def ended():
        run = runs.get(database, run_id)
        return run if run.state.is_finished() else None

    run = eventually(ended, "the detector is made")
    assert run.state is RunState.SUCCEEDED, run.error
    return detectors.get(database, run.result["detector_id"])


def contents(folder):
    """Everything in a detector's folder but what it is called and when it was made."""
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
    return {str(name): content for name, content in files.items() if name.suffix != ".md"}


@pytest.mark.parametrize("how", ["train", "distill"])
def test_a_detector_made_through_the_queue_is_the_one_that_the_command_makes(
    installation, tmp_path, how
):
    installation.stand()
    write = lessons.write_labels if how == "train" else lessons.write_pairs
    data, encoder = write(tmp_path / "data.json"), tiny.write_encoder(tmp_path / "encoder")
    own = ("--name", "mine", "--start", encoder)
    ours = made(installation, how, data, *own, "--epochs", 1)
    assert ours.name == "mine"
    there = tmp_path / "there"
    options = ("--encoder", encoder, "--out", there, "--epochs", "1", "--device", "cpu")
    done = installation.grice("detector", how, str(data), *map(str, options))
    assert done.returncode == 0, done.stderr
    here = tmp_path / "here"
    installation.queue().artifacts.fetch_folder(ours.artifact_sha256, here)
    assert contents(here) == contents(there)
    if how == "distill":
        return
    # Calibrated on other texts, by the queue and by the command.
    others = lessons.write_labels(tmp_path / "others.json", num_dialogues=40, first=1000)
    calibrated = made(installation, "calibrate", others, "--start", here, "--name", "better")
    assert calibrated.id != ours.id
    done = installation.grice("detector", "calibrate", str(there), str(others), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    installation.queue().artifacts.fetch_folder(calibrated.artifact_sha256, tmp_path / "better")
    assert contents(tmp_path / "better") == contents(there) != contents(here)
    # Its figures on yet other texts, too.
    more = lessons.write_labels(tmp_path / "more.json", num_dialogues=30, first=2000)
    better = ("--start", tmp_path / "better", "--name", "better")
    evaluated = made(installation, "evaluate", more, *better)
    assert evaluated.card["metrics"] != calibrated.card["metrics"]
    assert evaluated.card["thresholds"] == calibrated.card["thresholds"]
    done = installation.grice("detector", "evaluate", str(there), str(more), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    installation.queue().artifacts.fetch_folder(evaluated.artifact_sha256, tmp_path / "measured")
    assert contents(tmp_path / "measured") == contents(there)


def ended(installation, run_id):
    """A run that has ended."""
    database = installation.queue().database
    return eventually(
        lambda: (run := runs.get(database, run_id)).state.is_finished() and run, "it ends"
    )


@pytest.mark.parametrize("what", ["checkpoint", "classifier"])
def test_a_detector_imported_through_the_queue_is_the_one_that_the_command_imports(
    installation, tmp_path, what
):
    installation.stand()
    queue, judge = installation.queue(), write_judge(tmp_path)
    classifier = tiny.write_classifier(tmp_path / "four labels", tuple(MAXIMS))
    if what == "checkpoint":
        encoder = ("--encoder", str(judge.encoder), "--temperatures", str(judge.temperatures))
        source = judge.checkpoint
        request = ImportRequest(source, "brought", str(judge.encoder), judge.temperatures)
    else:
        encoder, source = (), classifier
        request = ImportRequest(source, "brought")
    run_id = queue.detectors.take_in(request)
    assert queue.detectors.take_in(request) == run_id
    run = ended(installation, run_id)
    assert run.state is RunState.SUCCEEDED, run.error
    ours = detectors.get(queue.database, run.result["detector_id"])
    assert ours.name == "brought"

    done = installation.grice(
        "detector", "import", str(source), *encoder, "--out", str(tmp_path / "there")
    )
    assert done.returncode == 0, done.stderr
    queue.artifacts.fetch_folder(ours.artifact_sha256, tmp_path / "here")
    here, there = contents(tmp_path / "here"), contents(tmp_path / "there")
    for records in (here, there):  # says where it lay, which differs
        records.pop("detector.json")
    assert here == there


def test_a_checkpoint_that_is_none_fails_with_its_sentence_and_needs_its_temperatures(
    installation, tmp_path
):
    installation.stand()
    judge = write_judge(tmp_path)
    broken = tmp_path / "half.pt"
    broken.write_bytes(judge.checkpoint.read_bytes()[:999])
    encoder = str(judge.encoder)
    run_id = installation.queue().detectors.take_in(
        ImportRequest(broken, "half", encoder, judge.temperatures)
    )
    run = ended(installation, run_id)
    assert run.state is RunState.FAILED
    assert "half.pt" in run.error
    with pytest.raises(ValidationError, match="a checkpoint needs its temperatures"):
        ImportDetectorSpec(files=run.spec["files"], encoder=encoder, name="half")


def test_pairs_scored_through_the_queue_are_the_ones_that_the_command_scores(
    installation, world, tmp_path
):
    installation.stand()
    queue = installation.queue()
    keeper = Keeper(queue.database, queue.artifacts)
    bare = tmp_path / "bare.json"
    pairs = json.loads((world / "pairs.json").read_text())
    bare.write_text(
        json.dumps([{k: pair[k] for k in ("prompt", "chosen", "rejected")} for pair in pairs])
    )
    run_id = queue.detectors.score(
        keeper.keep_pairs(bare, "bare.json"), keeper.keep_detector(world / "detector")
    )
    run = eventually(
        lambda: (run := runs.get(queue.database, run_id)).state.is_finished() and run, "scored"
    )
    assert run.state is RunState.SUCCEEDED, run.error
    kept = data_sets.get(queue.database, run.result["data_set_id"])
    queue.artifacts.fetch_file(kept.artifact_sha256, tmp_path / "here.parquet")
    there = tmp_path / "there.json"
    done = installation.grice(
        *("score", str(bare), "--detector", str(world / "detector")),
        *("--out", str(there), "--device", "cpu"),
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = read_pairs(tmp_path / "here.parquet"), load_pairs(there).table
    assert (ours.chosen_scores == theirs.chosen_scores).all()
    assert (ours.rejected_scores == theirs.rejected_scores).all()


def test_a_run_that_another_version_submitted_fails_in_words_and_the_worker_goes_on(
    installation, world
):
    installation.stand()
    queue = installation.queue()
    other = RunDraft(unique_name(), RunKind.SCORE, {"version": 99, "data": "of the future"})
    run_id = queue.submit_run(other)
    run = eventually(
        lambda: (run := runs.get(queue.database, run_id)).state.is_finished() and run, "refused"
    )
    assert (run.state, run.attempt) == (RunState.FAILED, 1)
    assert "another version of Grice Studio may have submitted it: submit it again" in run.error
    ask_anew(queue, world).until("score", lambda run: run.state is RunState.SUCCEEDED)
