"""A disk without room: a real one, of a few hundred kilobytes, under the runs' scratch folders."""

import os
import resource
import subprocess
import sys

import pytest

from grice_core.store.states import RunState
from tests.worker.installation import ask, eventually
from tests.worker.undisturbed import assert_undisturbed

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a disk"
    ),
]


def mount(folder, size, *options):
    command = ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={size}"]), "tmpfs"]
    return subprocess.run([*command, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(fresh):
    """The folder for scratch files on a disk of its own."""
    folder = fresh.home / "work"
    folder.mkdir()
    if not mount(folder, "600k"):
        pytest.skip("no disk can be mounted here")
    yield folder
    fresh.kill_all()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_run_with_that_reason_and_it_goes_on_when_there_is_room(
    fresh, small_disk, world, expected, tmp_path
):
    fresh.start_worker()
    asked = ask(fresh.queue(), world)
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


def test_a_file_that_may_not_grow_is_told_as_a_full_disk(postgres_installation, world):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))

    asked = ask(postgres_installation.queue(), world)
    postgres_installation.start_worker(preexec_fn=limit)
    failed = eventually(
        lambda: next((run for run in asked.runs if run.state is RunState.FAILED), None),
        "a run fails",
    )
    assert "the disk is full or a file may not grow further" in failed.error
