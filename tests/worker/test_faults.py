"""What happens to runs when something is killed, stopped, emptied or full. Real processes, real servers."""

import os
import signal
import threading
import time

import pytest

from grice_core.recipes.load import load_recipe
from grice_core.store import metrics, runs
from grice_core.store.states import RunKind, RunState
from tests.worker.installation import SMALL, alive, ask, eventually
from tests.worker.undisturbed import assert_undisturbed

pytestmark = pytest.mark.stack

HALFWAY = 70  # a checkpoint is written every 50 steps


def kill(pid, with_signal=signal.SIGKILL):
    os.kill(pid, with_signal)


def test_a_killed_job_goes_on_from_its_last_checkpoint(quiet, world, expected, tmp_path):
    asked = ask(quiet.queue(), world, leakage="drop-eval", recipe=variant("killed job"))
    run = asked.until_step(HALFWAY)
    kill(run.pid)
    asked.until_done()
    assert asked.run("train").attempt == 2
    assert_undisturbed(asked, expected, tmp_path)


def test_a_killed_worker_takes_its_job_with_it_and_the_next_worker_goes_on(
    fresh, world, expected, tmp_path
):
    worker = fresh.start_worker()
    asked = ask(fresh.queue(), world)
    run = asked.until_step(HALFWAY)
    worker.kill()
    eventually(lambda: not alive(run.pid), "the job dies with its worker", within_s=10)
    fresh.start_worker()
    asked.until_done()
    assert asked.run("train").attempt == 2
    assert_undisturbed(asked, expected, tmp_path)


def test_worker_and_job_killed_at_once_go_on_too(fresh, world, expected, tmp_path):
    worker = fresh.start_worker()
    asked = ask(fresh.queue(), world)
    run = asked.until_step(20)
    kill(run.pid)
    worker.kill()
    fresh.start_worker()
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


def test_a_run_whose_queue_is_killed_is_not_disturbed_and_the_rest_goes_on_when_it_is_back(
    fresh, world, expected, tmp_path
):
    valkey = fresh.processes[0]
    fresh.start_worker()
    asked = ask(fresh.queue(), world)
    asked.until_step(20)
    valkey.kill()
    assert not fresh.queue().is_available()
    asked.until("train", lambda run: run.state is RunState.SUCCEEDED)
    fresh.start_valkey()
    asked.until_done()
    assert all(run.attempt == 1 for run in asked.runs)
    assert_undisturbed(asked, expected, tmp_path)


def test_an_emptied_queue_is_rung_again_from_the_database(fresh, world, expected, tmp_path):
    queue = fresh.queue()
    asked = ask(queue, world)
    queue.redis.flushall()
    fresh.start_worker()
    asked.until_step(20)
    queue.redis.flushall()
    asked.until_done()
    assert all(run.attempt == 1 for run in asked.runs)
    assert_undisturbed(asked, expected, tmp_path)


def test_what_is_asked_for_while_the_queue_is_away_is_done_when_it_is_back(fresh, world):
    fresh.processes[0].kill()
    asked = ask(fresh.queue(), world)
    assert asked.run("score").state is RunState.QUEUED
    fresh.start_valkey()
    fresh.start_worker()
    asked.until("score", lambda run: run.state is RunState.SUCCEEDED)


def test_an_owner_that_was_stopped_beyond_its_lease_does_no_harm_when_it_wakes_up(
    fresh, world, expected, tmp_path
):
    sleeper = fresh.start_worker()
    asked = ask(fresh.queue(), world)
    run = asked.until_step(HALFWAY)
    for pid in (sleeper.pid, run.pid):
        kill(pid, signal.SIGSTOP)
    fresh.start_worker()
    asked.until("train", lambda now: now.token > run.token and now.state is RunState.RUNNING)
    for pid in (sleeper.pid, run.pid):
        kill(pid, signal.SIGCONT)
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)
    eventually(lambda: not alive(run.pid), "the sleeper's job has ended", within_s=20)


def test_two_workers_never_do_the_same_run(fresh, world, expected, tmp_path):
    queue = fresh.queue()
    workers = [fresh.start_worker() for _ in range(2)]
    eventually(lambda: len(queue.workers()) == len(workers), "both workers listen")
    asked = [ask(queue, world, seed=seed) for seed in (0, 1)]
    for each in asked:
        each.until_done()
    assert all(run.attempt == 1 for each in asked for run in each.runs)
    assert_undisturbed(asked[0], expected, tmp_path)


def test_submitting_from_twenty_threads_gives_one_pipeline(quiet, world):
    ids = []
    recipe = variant("twenty threads")
    threads = [
        threading.Thread(
            target=lambda: ids.append(ask(quiet.queue(), world, recipe=recipe).pipeline_id)
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 20
    assert len(set(ids)) == 1
    kinds = [run.kind for run in runs.of_pipeline(quiet.queue().database, ids[0])]
    assert kinds == [RunKind.SCORE, RunKind.TRAIN, RunKind.EVALUATE, RunKind.EXPORT]


def test_a_run_that_dies_every_time_is_given_up_with_the_cause_in_words(quiet, world):
    asked = ask(quiet.queue(), world, recipe=variant("poison"))
    killed = set()

    def is_given_up():
        run = asked.run("score")
        if run.state is RunState.RUNNING and run.pid and run.attempt not in killed:
            kill(run.pid)
            killed.add(run.attempt)
        return run if run.state is RunState.FAILED else None

    run = eventually(is_given_up, "the run is given up")
    assert run.attempt == 3
    assert run.error.startswith("given up after 3 attempts in a row")
    assert "killed (signal 9)" in run.error
    assert asked.run("train").state is RunState.QUEUED  # it waits for somebody to resume the first
    asked.queue.resume(run.id)
    asked.until("score", lambda run: run.state is RunState.SUCCEEDED)


def test_a_worker_whose_clock_is_wrong_is_not_taken_for_a_vanished_one(
    fresh, world, tmp_path, expected
):
    skewed = tmp_path / "skewed"
    skewed.mkdir()
    (skewed / "sitecustomize.py").write_text(
        "import time\n_right = time.time\ntime.time = lambda: _right() + 7200\n"
    )
    path = os.pathsep.join(filter(None, [str(skewed), os.environ.get("PYTHONPATH")]))
    fresh.start_worker(env={"PYTHONPATH": path})
    asked = ask(fresh.queue(), world)
    asked.until_done()
    assert all(run.attempt == 1 for run in asked.runs)
    assert abs(asked.run("train").finished_at - time.time()) < 3600  # the database's clock counts
    assert_undisturbed(asked, expected, tmp_path)


def test_a_worker_that_is_told_to_end_gives_its_run_back_with_a_checkpoint(
    fresh, world, expected, tmp_path
):
    worker = fresh.start_worker()
    asked = ask(fresh.queue(), world)
    asked.until_step(20)
    worker.terminate()
    assert worker.wait(timeout=10) == 0
    run = asked.run("train")
    assert run.state is RunState.INTERRUPTED
    assert run.futile_attempts == 0
    assert metrics.since(asked.queue.database, run.id)[-1].step == run.step
    fresh.start_worker()
    asked.until_done()
    assert_undisturbed(asked, expected, tmp_path)


def variant(name):
    """The same recipe with another description: another pipeline with the same numbers."""
    return load_recipe("joint", SMALL).model_copy(update={"description": name})
