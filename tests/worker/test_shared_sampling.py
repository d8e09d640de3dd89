"""The answers that a round samples, written by several workers: the same as by one, whatever happens to the others."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from grice_core.pipeline.run import run_pipeline
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import Run
from tests.pipeline.world import config, own
from tests.worker.asked import Asked, ask, unique_name
from tests.worker.freezes import owner_frozen
from tests.worker.installation import Installation, installed
from tests.worker.processes import eventually

pytestmark = pytest.mark.stack

CHANGES = (
    "round.rounds=1",
    "round.samples.k=64",
    "round.samples.num_prompts=30",
    "round.num_steps=2",
    "evaluation.num_prompts=2",
)


@pytest.fixture(scope="module")
def pairs(world: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process samples."""
    out = tmp_path_factory.mktemp("alone") / "out"
    run_pipeline(config(world, out, recipe=own(*CHANGES), precision="fp32"))
    return (out / "round1" / "own_pairs.parquet").read_bytes()


@pytest.fixture(scope="module")
def forgetful(template: Path) -> Iterator[Installation]:
    """An installation that keeps no answers for later runs: each test samples the same."""
    with installed(template, GRICE_KEPT_MIB="0") as found:
        yield found


def asked(installation: Installation, world: Path) -> Asked:
    recipe = own(*CHANGES).model_copy(update={"description": unique_name()})
    return ask(installation.queue(), world, recipe=recipe)


def shares(installation: Installation) -> list[Run]:
    wanted = RunFilter(kinds=(RunKind.SAMPLE,))
    return list(runs.page(installation.queue().database, wanted))


def the_round(asked: Asked) -> Run:
    return next(run for run in asked.runs if run.stage == "round1")


def share_at_work(installation: Installation) -> Run:
    """The helper's run, once it has written some answers."""

    def look() -> Run | None:
        return next(
            (run for run in shares(installation) if run.state is RunState.RUNNING and run.step),
            None,
        )

    found: Run = eventually(look, "another worker helps", look_every_s=0.02)
    return found


def assert_the_same(asked: Asked, pairs: bytes, folder: Path) -> None:
    asked.until_done()
    asked.queue.fetch_results(asked.pipeline_id, folder / "out")
    assert (folder / "out" / "round1" / "own_pairs.parquet").read_bytes() == pairs


def test_two_workers_sample_what_one_samples(forgetful, world, pairs, tmp_path):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    helper = share_at_work(forgetful)
    assert helper.owner != the_round(begun).owner
    assert (helper.spec["share"], helper.spec["count"]) == (1, 2)
    assert_the_same(begun, pairs, tmp_path)
    assert shares(forgetful) == []
    assert "other workers may write 1 of 2 shares of the answers" in log_of(begun)


def test_the_share_of_a_killed_worker_is_taken_over(forgetful, world, pairs, tmp_path):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    helper = share_at_work(forgetful)
    worker = int(helper.owner.split(":")[1])
    os.kill(worker, signal.SIGKILL)
    assert_the_same(begun, pairs, tmp_path)
    assert the_round(begun).attempt == 1


def test_a_killed_round_takes_what_was_written_for_it(forgetful, world, pairs, tmp_path):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    share_at_work(forgetful)
    os.kill(the_round(begun).pid, signal.SIGKILL)
    assert_the_same(begun, pairs, tmp_path)
    assert the_round(begun).attempt == 2
    assert shares(forgetful) == []


@pytest.mark.usefixtures("again")
def test_the_share_of_a_frozen_worker_is_written_by_another(forgetful, world, pairs, tmp_path):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    with owner_frozen(forgetful, share_at_work(forgetful)):
        begun.until_done()
    assert_the_same(begun, pairs, tmp_path)
    assert the_round(begun).attempt == 1
    assert shares(forgetful) == []


@pytest.mark.usefixtures("again")
def test_a_frozen_round_is_done_by_the_worker_that_wrote_a_share_of_it(
    forgetful, world, pairs, tmp_path
):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    share_at_work(forgetful)
    with owner_frozen(forgetful, the_round(begun)):
        begun.until_done()
    assert_the_same(begun, pairs, tmp_path)
    assert the_round(begun).attempt == 2
    assert shares(forgetful) == []


def test_a_stopped_round_stops_its_helpers_and_a_resumed_one_ends(
    forgetful, world, pairs, tmp_path
):
    forgetful.stand(num_workers=2)
    begun = asked(forgetful, world)
    helper = share_at_work(forgetful)
    begun.queue.stop(the_round(begun).id)
    eventually(lambda: the_round(begun).state is RunState.CANCELLED, "it is stopped")
    eventually(lambda: not shares(forgetful)[0].state.is_waiting(), "nothing waits")
    eventually(lambda: shares(forgetful)[0].state.is_finished(), "the helper has stopped")
    assert shares(forgetful)[0].id == helper.id
    begun.queue.resume(the_round(begun).id)
    assert_the_same(begun, pairs, tmp_path)


def log_of(begun: Asked) -> str:
    from grice_core.store import logs

    position = logs.positions(begun.queue.database, the_round(begun).id)[-1]
    return logs.tail(begun.queue.artifacts.objects, position, 0)
