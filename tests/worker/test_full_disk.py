"""A disk without room: a real one, of a few hundred kilobytes, under the runs' scratch folders."""

import os
import shutil
import subprocess
import sys

import pytest

from grice_core.store.states import RunState
from tests.worker.asked import ask_anew
from tests.worker.installation import installed
from tests.worker.processes import eventually, fill
from tests.worker.undisturbed import assert_undisturbed

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a disk"
)


def mount(folder, size, *options):
    command = ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={size}"]), "tmpfs"]
    return subprocess.run([*command, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(installation):
    """The folder for scratch files on a disk of its own."""
    installation.stand()
    folder = installation.home / "work"
    folder.mkdir(exist_ok=True)
    if not mount(folder, "600k"):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_run_with_that_reason_and_it_goes_on_when_there_is_room(
    installation, small_disk, world, expected, tmp_path
):
    asked = ask_anew(installation.queue(), world)
    failed = eventually(
        lambda: next((run for run in asked.runs if run.state is RunState.FAILED), None),
        "a run fails",
    )
    assert "the disk is full" in failed.error
    assert f"grice runs resume {failed.id}" in failed.error
    assert failed.kind == "train"
    assert mount(small_disk, "20m", "remount")
    asked.queue.resume(failed.id)
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


@pytest.mark.stack
def test_a_home_that_is_full_and_then_has_room_goes_on_with_all_it_had(
    template, world, expected, tmp_path
):
    with installed() as whole:
        if not mount(whole.home, "48m"):
            pytest.skip("no disk can be mounted here")
        try:
            shutil.copy(template, whole.home / "grice.db")
            whole.stand()
            asked = ask_anew(whole.queue(), world)
            asked.until_step(20)
            fill(whole.home / "filler")
            eventually(lambda: says_full(whole, asked), "it is said that the disk is full")
            (whole.home / "filler").unlink()
            go_on(whole, asked)
            assert_undisturbed(asked, expected, tmp_path)
        finally:
            whole.close()
            subprocess.run(["umount", "-l", str(whole.home)], check=True)


def says_full(installation, asked):
    """In the run's error, in the worker's output, or in the run's own log."""
    logs = installation.home / "logs" / "runs"
    said = [installation.log(), *(path.read_text() for path in logs.rglob("*.log"))]
    said += [str(run.error) for run in asked.runs]
    return any("is full" in text or "No space left" in text for text in said)


def go_on(installation, asked):
    """Let what failed continue, with whatever has ended started again; a person would do no more."""

    def look():
        installation.revive()
        for run in asked.runs:
            if run.state is RunState.FAILED:
                asked.queue.resume(run.id)
        return asked.run("export").state is RunState.SUCCEEDED

    eventually(look, f"all is done: {[(run.kind, run.state, run.error) for run in asked.runs]}")
