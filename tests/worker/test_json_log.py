"""`GRICE_LOG=json`: what a real worker and its job write, found again by run, pipeline and worker."""

import json

import pytest

from grice_core.store import runs
from tests.store.samples import submitted_pipeline
from tests.worker.installation import installed
from tests.worker.processes import eventually

pytestmark = pytest.mark.stack


def test_a_run_is_found_in_the_lines_of_its_worker_and_its_job() -> None:
    with installed(GRICE_LOG="json") as installation:
        installation.start_valkey()
        queue = installation.queue()
        pipeline_id = submitted_pipeline(queue.database, queue.artifacts)
        worker = installation.start_worker()
        run = runs.of_pipeline(queue.database, pipeline_id)[0]
        eventually(lambda: runs.get(queue.database, run.id).state.is_finished(), "the run fails")
        worker.terminate()
        worker.wait(timeout=30)
        said = [
            json.loads(line) for line in installation.log().splitlines() if line.startswith("{")
        ]
        error = runs.get(queue.database, run.id).error
    of_run = [line for line in said if line.get("run") == run.id]
    assert [line["event"] for line in of_run] == [
        "run begins",
        "job begins",
        "job ended",
        "run ended",
    ]
    assert {line["pipeline"] for line in of_run} == {pipeline_id}
    assert len({line["worker"] for line in of_run}) == 1
    assert of_run[-1]["state"] == "failed"
    assert error
    assert error not in json.dumps(said)
    assert said[0]["event"] == "worker listens"
    assert said[-1]["event"] == "worker ended"
