"""A team: two workers with homes of their own on one Postgres, one Valkey and one S3-compatible store."""

import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import psutil
import pytest
from moto.server import ThreadedMotoServer

from grice_core.store import references
from grice_core.store.states import RunState
from tests.worker.asked import ask_anew
from tests.worker.installation import Installation, installed
from tests.worker.processes import eventually, restart_postgres
from tests.worker.undisturbed import assert_undisturbed
from worker.roles import CHECKPOINT

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """URL of an empty bucket on a server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="grice")
        yield "s3://grice/team"
    server.stop()


@dataclass(frozen=True)
class Team:
    """Two homes; the first one's queue serves both."""

    first: Installation
    second: Installation

    def warm_processes(self) -> list[psutil.Process]:
        """Those that the runs' processes are forked from."""
        workers = [w for w in (*self.first.workers, *self.second.workers) if w.poll() is None]
        return [child for worker in workers for child in psutil.Process(worker.pid).children()]


@pytest.fixture(scope="module")
def team(postgres_url: str, bucket: str) -> Iterator[Team]:
    with (
        installed(database_url=postgres_url, artifacts_url=bucket) as first,
        installed(
            database_url=postgres_url, artifacts_url=bucket, REDIS_URL=f"unix://{first.socket}"
        ) as second,
    ):
        first.stand()
        second.start_worker()
        eventually(lambda: len(first.queue().workers()) == 2, "both workers listen")
        yield Team(first, second)


def test_two_workers_with_homes_of_their_own_run_pipelines_together(
    team, world, expected, tmp_path
):
    asked = [ask_anew(team.first.queue(), world) for _ in range(2)]
    for each in asked:
        each.until_done()
    for home in (team.first, team.second):
        assert "succeeded" in home.log()
    assert all(run.attempt == 1 for each in asked for run in each.runs)
    assert_undisturbed(asked[0], expected, tmp_path)


def test_a_database_that_is_killed_and_comes_back_costs_no_metric(
    team, postgres, world, expected, tmp_path
):
    asked = ask_anew(team.first.queue(), world)
    asked.until_step(30)
    restart_postgres(postgres)
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


def test_a_run_whose_workers_home_is_lost_goes_on_elsewhere_from_its_last_checkpoint(
    team, world, expected, tmp_path
):
    asked = ask_anew(team.first.queue(), world)
    run = asked.until_step(70)
    assert CHECKPOINT in references.of_run(asked.queue.database, run.id)
    os.kill(int(run.owner.split(":")[1]), signal.SIGKILL)
    asked.until_done()
    assert "stage1: continues after step 50" in asked.log("train")
    assert_undisturbed(asked, expected, tmp_path)
    assert CHECKPOINT not in references.of_run(asked.queue.database, run.id)


def test_a_file_that_may_not_grow_is_told_as_a_full_disk(team, world):
    """Here, since a database in a file could not grow either."""
    for process in team.warm_processes():
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
    asked = ask_anew(team.first.queue(), world)
    failed = eventually(
        lambda: next((run for run in asked.runs if run.state is RunState.FAILED), None),
        "a run fails",
    )
    assert "the disk is full or a file may not grow further" in failed.error
