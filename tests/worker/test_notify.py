"""Bells, real ones and forged ones, heard by RQ's worker on the real server."""

import os
import pickle
import signal
from types import SimpleNamespace

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from grice_core.store.states import Device, RunKind
from worker import notify
from worker.listener import Listener
from worker.notify import RunJob, queue_of


def a_run(run_id, attempt=0, device=Device.CPU):
    return SimpleNamespace(id=run_id, attempt=attempt, device=device, kind=RunKind.TRAIN)


@pytest.fixture
def redis(quiet_server):
    client = quiet_server.queue().redis
    client.flushall()
    return client


@pytest.fixture
def hear(redis):
    """Lets a worker hear everything that hangs in the queue; gives how often it went to look."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = []
    context = SimpleNamespace(device=Device.CPU, owner="a-worker", say=print)
    supervisor = SimpleNamespace(
        context=context, take_next=lambda: heard.append(1), shut_down=print
    )

    def listen():
        Listener(supervisor, redis).work(burst=True, logging_level="ERROR")
        return len(heard)

    yield listen
    for number, handler in handlers.items():
        signal.signal(number, handler)


def forge(redis, **job):
    """A job that another worker has put into our queue."""
    queue = Queue("grice-cpu", connection=redis, serializer=JSONSerializer)
    return queue.enqueue_job(
        Job.create(connection=redis, serializer=JSONSerializer, origin=queue.name, **job)
    )


def test_a_bell_makes_a_worker_look_for_a_run(redis, hear):
    notify.wake(redis, [a_run(1), a_run(2)])
    assert hear() == 2


def test_ringing_twice_hangs_one_bell_and_the_next_attempt_hangs_another(redis):
    assert notify.wake(redis, [a_run(1)]) == 1
    assert notify.wake(redis, [a_run(1)]) == 0
    assert notify.wake(redis, [a_run(1, attempt=1)]) == 1
    assert queue_of(redis, Device.CPU).get_job_ids() == ["run-1-attempt-1", "run-1-attempt-2"]


def test_each_class_of_worker_has_its_own_queue(redis):
    notify.wake(redis, [a_run(1), a_run(2, device=Device.GPU)])
    assert queue_of(redis, Device.GPU).get_job_ids() == ["run-2-attempt-1"]


def test_what_is_rung_is_json_with_run_and_attempt(redis):
    notify.wake(redis, [a_run(7, attempt=2)])
    job = queue_of(redis, Device.CPU).fetch_job("run-7-attempt-3")
    assert job.func_name == "worker.tasks.take_run"
    assert tuple(job.args) == (7, 3)
    assert job.data.startswith(b"[")


def test_a_job_that_names_another_function_is_not_done(redis, hear, tmp_path):
    victim = tmp_path / "victim"
    forge(redis, func="os.system", args=(f"touch {victim}",), id="evil")
    assert hear() == 0
    assert not victim.exists()
    assert RunJob.fetch("evil", connection=redis, serializer=JSONSerializer).is_failed


class Bomb:
    """Goes off when it is unpickled."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.system, (f"touch {self.victim}",)


def test_a_pickled_job_is_not_even_read(redis, hear, tmp_path):
    victim = tmp_path / "victim"
    job = forge(redis, func=notify.TAKE_RUN, args=(1, 1), id="pickled")
    redis.hset(job.key, "data", pickle.dumps((notify.TAKE_RUN, None, (Bomb(victim),), {})))
    assert hear() == 0
    assert not victim.exists()


@pytest.mark.parametrize("callback", ["success_callback_name", "failure_callback_name"])
def test_callbacks_of_a_job_are_not_called(redis, hear, callback):
    job = forge(redis, func=notify.TAKE_RUN, args=(1, 1), id="with-callback")
    redis.hset(job.key, callback, "tests.worker.test_notify.go_off")
    assert hear() == 1


def go_off(*_):
    raise AssertionError("a callback was called")


def test_a_job_of_an_older_version_fails_and_the_worker_goes_on(redis, hear):
    forge(redis, func="worker.tasks.start_training", args=({"run": 1},), id="older")
    notify.wake(redis, [a_run(1)])
    assert hear() == 1
