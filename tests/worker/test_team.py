"""A team: two workers with separate homes on one Postgres, one Valkey and one S3-compatible store."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.worker.installation import Installation, ask, eventually, installed
from tests.worker.undisturbed import assert_undisturbed

pytestmark = pytest.mark.stack


@pytest.fixture
def bucket(monkeypatch) -> Iterator[str]:
    """URL of an empty bucket on a server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="grice")
    yield "s3://grice/team"
    server.stop()


def test_two_workers_with_separate_homes_run_pipelines_together(
    postgres_installation, bucket, world, expected, tmp_path
):
    first: Installation = postgres_installation
    first.artifacts_url = bucket
    with installed(database_url=first.database_url, REDIS_URL=f"unix://{first.socket}") as second:
        second.artifacts_url = bucket
        queue = first.queue()
        first.start_worker()
        second.start_worker()
        eventually(lambda: len(queue.workers()) == 2, "both workers listen")
        asked = [ask(queue, world, seed=seed) for seed in (0, 1)]
        for each in asked:
            each.until_done()
        assert "succeeded" in first.log()
        assert "succeeded" in second.log()
    assert all(run.attempt == 1 for each in asked for run in each.runs)
    assert_undisturbed(asked[0], expected, tmp_path)
