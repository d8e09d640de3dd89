"""What becomes of runs when something is killed, stopped or emptied. Real processes, real servers.

All tests use one installation, since starting a worker takes longer than any of them: each lets it
`stand` first, which puts right whatever the one before has done to it.
"""

import os
import re
import signal
import threading
import time

import pytest

from grice_core.recipes.load import load_recipe
from grice_core.store import metrics
from grice_core.store.states import RunKind, RunState
from tests.worker.asked import SMALL, ask, ask_anew, variant
from tests.worker.installation import stop_outside_transactions
from tests.worker.processes import alive, eventually
from tests.worker.undisturbed import assert_undisturbed

HALFWAY = 70  # a checkpoint is written every 50 steps


def test_a_killed_job_goes_on_from_its_last_checkpoint(installation, world, expected, tmp_path):
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    run = asked.until_step(HALFWAY)
    os.kill(run.pid, signal.SIGKILL)
    asked.until_done()
    assert asked.run("train").attempt == 2
    assert_undisturbed(asked, expected, tmp_path)


def test_a_run_that_dies_every_time_is_given_up_with_the_cause_in_words(installation, world):
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    killed = set()

    def is_over():
        run = asked.run("score")
        if run.state is RunState.RUNNING and run.pid and run.attempt not in killed:
            os.kill(run.pid, signal.SIGKILL)
            killed.add(run.attempt)
        return run if run.state.is_finished() else None

    run = eventually(is_over, "the run is given up", look_every_s=0.01)
    assert run.state is RunState.FAILED
    assert run.attempt == 3
    assert run.error.startswith("given up after 3 attempts in a row")
    assert "killed (SIGKILL)" in run.error
    assert asked.run("train").state is RunState.QUEUED  # it waits for a user to resume the first
    asked.queue.resume(run.id)
    asked.until("score", lambda run: run.state is RunState.SUCCEEDED)


def test_submitting_from_twenty_threads_gives_one_pipeline(installation, world):
    installation.stand()
    ids, recipe = [], variant()

    def submit():
        ids.append(ask(installation.queue(), world, recipe=recipe).pipeline_id)

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 20
    assert len(set(ids)) == 1
    kinds = [run.kind for run in ask(installation.queue(), world, recipe=recipe).runs]
    assert kinds == [RunKind.SCORE, RunKind.TRAIN, RunKind.EVALUATE, RunKind.EXPORT]


def test_an_emptied_queue_is_rung_again_from_the_database(installation, world, expected, tmp_path):
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    asked.queue.redis.flushall()
    asked.until_step(20)
    asked.queue.redis.flushall()
    asked.until_done()
    assert all(run.attempt == 1 for run in asked.runs)
    assert_undisturbed(asked, expected, tmp_path)
    eventually(asked.queue.workers, "the worker is listed again")


def test_what_is_asked_for_while_the_queue_is_away_is_done_when_it_is_back(installation, world):
    installation.stand()
    installation.kill_valkey()
    asked = ask_anew(installation.queue(), world)
    assert not asked.queue.is_available()
    assert asked.run("score").state is RunState.QUEUED
    installation.start_valkey()
    asked.until("score", lambda run: run.state is RunState.SUCCEEDED)


def test_a_run_whose_queue_is_killed_is_not_disturbed_and_the_rest_goes_on_when_it_is_back(
    installation, world, expected, tmp_path
):
    installation.stand()
    asked = ask_anew(installation.queue(), world)
    asked.until_step(20)
    installation.kill_valkey()
    asked.until_trained()
    installation.start_valkey()
    asked.until_done()
    assert all(run.attempt == 1 for run in asked.runs)
    assert_undisturbed(asked, expected, tmp_path)


def test_a_worker_that_is_told_to_end_gives_its_run_back_with_a_checkpoint(
    installation, world, expected, tmp_path
):
    worker = installation.stand()
    asked = ask_anew(installation.queue(), world)
    asked.until_step(20)
    worker.terminate()
    assert worker.wait(timeout=10) == 0
    run = asked.run("train")
    assert run.state is RunState.INTERRUPTED
    assert run.futile_attempts == 0
    assert metrics.since(asked.queue.database, run.id)[-1].step == run.step
    installation.start_worker()
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


def test_a_killed_worker_takes_its_job_with_it_and_the_next_worker_goes_on(
    installation, world, expected, tmp_path
):
    worker = installation.stand()
    asked = ask_anew(installation.queue(), world)
    run = asked.until_step(HALFWAY)
    worker.kill()
    eventually(lambda: not alive(run.pid), "the job dies with its worker", within_s=10)
    installation.start_worker()
    asked.until_done()
    assert asked.run("train").attempt == 2
    assert_undisturbed(asked, expected, tmp_path)


def test_worker_and_job_killed_at_once_go_on_too(installation, world, expected, tmp_path):
    worker = installation.stand()
    asked = ask_anew(installation.queue(), world)
    run = asked.until_step(20)
    os.kill(run.pid, signal.SIGKILL)
    worker.kill()
    installation.start_worker()
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


def test_two_workers_whose_clocks_differ_never_do_the_same_run(
    installation, world, expected, tmp_path
):
    installation.stand()
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n_right = time.time\ntime.time = lambda: _right() + 7200\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    installation.start_worker(env={"PYTHONPATH": path})
    installation.stand(num_workers=2)
    asked = [ask_anew(installation.queue(), world) for _ in range(2)]
    for each in asked:
        each.until_done()
        train = each.run("train")
        assert abs(train.finished_at - time.time()) < 3600  # the database's clock counts
        assert_undisturbed(each, expected, tmp_path)
    assert all(run.attempt == 1 for each in asked for run in each.runs)


def test_an_owner_that_was_stopped_beyond_its_lease_does_no_harm_when_it_wakes_up(
    installation, world, expected, tmp_path
):
    installation.stand(num_workers=2)
    asked = ask_anew(installation.queue(), world)
    run = asked.until_step(HALFWAY)
    sleepers = (int(run.owner.split(":")[1]), run.pid)
    eventually(
        lambda: stop_outside_transactions(sleepers, installation),
        "they are stopped outside any transaction",
    )
    asked.until("train", lambda now: now.token > run.token and now.state is RunState.RUNNING)
    for pid in sleepers:
        os.kill(pid, signal.SIGCONT)
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)
    eventually(lambda: not alive(run.pid), "the sleeper's job has ended", within_s=20)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        # Found when the base is tried, before anything is trained.
        ("stage1.lora.r=10000000000000", "score", r"out of memory: lower .* lora\.r"),
        ("stage1.learning_rate=1e30", "train", r"lower .*learning_rate"),
    ],
    ids=["more memory than there is", "a learning rate that is far too high"],
)
def test_what_asks_for_the_impossible_fails_once_and_says_what_to_change(
    installation, world, change, kind, says
):
    installation.stand()
    asked = ask(installation.queue(), world, recipe=load_recipe("joint", (*SMALL, change)))
    run = asked.until(kind, lambda run: run.state.is_finished())
    assert (run.state, run.attempt) == (RunState.FAILED, 1)
    assert re.search(says, run.error), run.error
    assert asked.run("evaluate").state is RunState.QUEUED
