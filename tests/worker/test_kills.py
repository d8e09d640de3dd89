"""Kills (SIGKILL) at random moments of what other tests kill at chosen ones, or not at all.

`GRICE_KILLS=20` kills each as often as that.
"""

import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from app.cli import main
from grice_core.detector.record import read_record
from grice_core.detector.weights import WEIGHTS_NAME
from grice_core.files import file_sha256
from grice_core.registry import Keeper
from grice_core.store import detectors, references, runs
from grice_core.store.artifacts import ArtifactStore, sha256_of
from grice_core.store.model_exports import EXPORTED
from grice_core.store.states import RunState
from tests.detector import lessons, tiny
from tests.worker.asked import Asked, ask, ask_anew, unique_name
from tests.worker.installation import Installation, installed
from tests.worker.processes import eventually, forked, kill_forked
from tests.worker.test_playground import answered, process_of, request
from tests.worker.undisturbed import assert_undisturbed
from worker.client import DetectorRequest, Standing

pytestmark = pytest.mark.stack

TIMES = int(os.environ.get("GRICE_KILLS", "3"))
LOADING_S = 6.0
"""How long a playground's process may take to load and answer, about."""


def test_a_question_whose_process_is_killed_is_answered_by_another_or_is_said_to_have_failed(
    installation, world
):
    worker, queue, draw = installation.stand(), installation.queue(), random.Random(0)
    asked = ask(queue, world)
    asked.until_done()
    question = request(asked.pipeline_id, max_new_tokens=40)
    expected = answered(queue, queue.playground.ask(question)).answers
    killed = 0
    while killed < TIMES:
        waiting = queue.playground.ask(question)
        for _ in range(draw.choice((1, 1, 2, 3))):
            time.sleep(draw.uniform(0, LOADING_S / 2))
            killed += kill(process_of(worker))
        view = answered(queue, waiting)
        if view.standing is Standing.FAILED:
            assert "was killed (SIGKILL)" in view.remark
        else:
            assert (view.standing, view.answers) == (Standing.DONE, expected), view.remark
    assert answered(queue, queue.playground.ask(question)).answers == expected
    assert [path.name for path in (installation.home / "tmp").iterdir()] == []


@pytest.fixture
def apart(template: Path, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose artifacts lie outside its home, so that checkpoints are shared through them."""
    with installed(template, artifacts_url=f"file://{tmp_path / 'artifacts'}") as found:
        yield found


def test_a_job_that_is_killed_while_it_stores_what_it_made_leaves_nothing_broken(
    apart, world, expected, tmp_path
):
    apart.stand()
    draw, killed = random.Random(0), 0
    while killed < TIMES:
        asked = ask_anew(apart.queue(), world)
        while asked.run("export").state is not RunState.SUCCEEDED:
            killed += killed_while_storing(asked, tmp_path / "artifacts", draw)
            assert_all_is_whole(apart.queue().artifacts)
        assert_undisturbed(asked, expected, tmp_path)


def killed_while_storing(asked: Asked, store: Path, draw: random.Random) -> bool:
    """Kill the job that runs, once per run, some milliseconds after something new is in the store."""
    before = listing(store)

    def something_new() -> bool:
        return listing(store) != before or asked.run("export").state is RunState.SUCCEEDED

    eventually(something_new, "something is stored", look_every_s=0.002)
    time.sleep(draw.uniform(0, 0.02))
    return any(
        kill(run.pid) for run in asked.runs if run.state is RunState.RUNNING and run.attempt == 1
    )


def listing(store: Path) -> set[str]:
    """Names of all files of a store, those that are being written included."""
    return {path.name for path in (store / "objects").glob("*/*")}


def assert_all_is_whole(artifacts: ArtifactStore) -> None:
    for file in artifacts.stored():
        sha256 = sha256_of(file.name)
        if sha256 is not None:
            content = b"".join(artifacts.objects.chunks(file.name))
            assert hashlib.sha256(content).hexdigest() == sha256


def kill(pid: int | None) -> bool:
    """Kill a process, if it is there; returns whether it was."""
    with suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def test_a_detector_whose_fit_is_killed_again_and_again_is_the_same_and_is_there_once(
    installation, tmp_path
):
    installation.stand()
    queue, draw = installation.queue(), random.Random(0)
    labels = lessons.write_labels(tmp_path / "labels.json")
    start = tiny.write_encoder(tmp_path / "encoder")
    duration_s, undisturbed = 0.0, None
    killed = 0
    while killed < TIMES:
        wanted = DetectorRequest("train", labels, str(start), unique_name(), {"epochs": 3})
        run_id = queue.detectors.train(wanted)
        if undisturbed is not None:
            killed += sum(
                killed_in_the_middle(installation, run_id, draw.uniform(0, duration_s))
                for _ in range(2)
            )
        run = eventually(lambda run_id=run_id: finished(installation, run_id), "the run ends")
        assert run.state is RunState.SUCCEEDED, run.error
        if undisturbed is None:
            duration_s, undisturbed = run.finished_at - run.started_at, run.result["detector_id"]
        # The same bytes are the same detector, whatever the run that made them was called.
        assert run.result["detector_id"] == undisturbed
    made = detectors.get(queue.database, undisturbed)
    queue.artifacts.fetch_folder(made.artifact_sha256, tmp_path / "made")
    assert_is_a_detector(tmp_path / "made")
    assert not (installation.home / "work" / str(run_id)).exists()
    assert Keeper(queue.database, queue.artifacts).keep_detector(tmp_path / "made").id == made.id


def killed_in_the_middle(installation: Installation, run_id: int, after_s: float) -> bool:
    """Kill a run's job so long after it has begun, unless it is through by then."""
    database = installation.queue().database

    def begun() -> bool:
        run = runs.get(database, run_id)
        return run.state.is_finished() or run.pid is not None

    eventually(begun, "it begins", look_every_s=0.01)
    time.sleep(after_s)
    run = runs.get(database, run_id)
    return run.state is RunState.RUNNING and kill(run.pid)


def finished(installation: Installation, run_id: int):
    run = runs.get(installation.queue().database, run_id)
    return run if run.state.is_finished() else None


def test_a_detector_that_a_killed_command_trains_is_the_old_one_or_the_new(tmp_path):
    labels = lessons.write_labels(tmp_path / "labels.json")
    start = tiny.write_encoder(tmp_path / "encoder")
    out, draw = tmp_path / "made" / "mine", random.Random(0)
    command = ("detector", "train", str(labels), "--encoder", str(start), "--out", str(out))

    def train(*more: str) -> None:
        sys.argv = ["grice", *command, *more]
        with suppress(SystemExit):
            main()

    os.waitpid(forked(train), 0)
    started = time.monotonic()
    os.waitpid(forked(partial(train, "--overwrite")), 0)
    duration_s = time.monotonic() - started
    killed = 0
    while killed < TIMES:
        child = forked(partial(train, "--overwrite", "--seed", str(killed + 1)))
        time.sleep(draw.uniform(0, 1.2) * duration_s)
        killed += kill_forked(child)
        assert_is_a_detector(out)
    os.waitpid(forked(partial(train, "--overwrite")), 0)
    assert_is_a_detector(out)
    assert [path.name for path in out.parent.iterdir()] == ["mine"]


def assert_is_a_detector(folder: Path) -> None:
    """Its record is that of its weights."""
    assert file_sha256(folder / WEIGHTS_NAME) == read_record(folder).weights_sha256


def test_an_export_whose_job_is_killed_anywhere_is_made_anew_and_is_whole(installation, world):
    installation.stand()
    queue, draw = installation.queue(), random.Random(0)
    asked = ask(queue, world)
    asked.until_done()
    exports = queue.model_exports
    duration_s, undisturbed = 0.0, None
    killed = 0
    while killed < TIMES:
        run_id = exports.submit(asked.pipeline_id, "stage1", "merged", "fp32")
        if undisturbed is not None:
            killed += killed_in_the_middle(installation, run_id, draw.uniform(0, duration_s))
        run = eventually(lambda run_id=run_id: finished(installation, run_id), "the run ends")
        assert run.state is RunState.SUCCEEDED, run.error
        made = references.of_run(queue.database, run_id)[EXPORTED].sha256
        if undisturbed is None:
            duration_s, undisturbed = run.finished_at - run.started_at, made
        assert made == undisturbed
        assert not (installation.home / "work" / str(run_id)).exists()
        exports.remove(run_id)
