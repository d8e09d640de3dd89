"""A disk without room: a real one, of a few hundred kilobytes, under the runs' scratch folders."""

import os
import subprocess
import sys

import pytest

from grice_core.store.states import RunState
from tests.worker.asked import ask_anew
from tests.worker.processes import eventually
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
