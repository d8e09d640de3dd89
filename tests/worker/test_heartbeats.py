"""Who listens, as workers say it and as others read it."""

import json
import threading
from dataclasses import asdict

import pytest

from grice_core.store.states import Device
from tests.worker.processes import eventually
from worker.hardware import look_at_hardware
from worker.heartbeats import Heartbeat, read_heartbeats, send_heartbeats


@pytest.fixture
def redis(quiet_server):
    client = quiet_server.queue().redis
    client.flushall()
    return client


def test_a_worker_is_on_the_roll_until_it_ends(redis):
    ended = threading.Event()
    here = look_at_hardware(())
    thread = send_heartbeats(
        redis, "a-worker", Device.CPU, lambda: here, until=ended, writes_gguf=True
    )
    (entry,) = eventually(lambda: read_heartbeats(redis), "it is listed")
    assert entry == Heartbeat("a-worker", Device.CPU, here, writes_gguf=True)
    ended.set()
    thread.join(timeout=10)
    assert read_heartbeats(redis) == []


def test_what_a_worker_of_another_version_says_is_passed_over(redis):
    redis.set("grice-worker:older", "cpu")
    redis.set("grice-worker:newer", json.dumps({"device": "npu", "hardware": {}}))
    redis.set("grice-worker:other", json.dumps({"device": "cpu", "hardware": {"colour": "blue"}}))
    redis.set("grice-worker:list", "[]")
    assert read_heartbeats(redis) == []


def test_a_worker_of_an_earlier_version_writes_no_gguf(redis):
    here = asdict(look_at_hardware(()))
    redis.set("grice-worker:older", json.dumps({"device": "cpu", "hardware": here}))
    (entry,) = read_heartbeats(redis)
    assert not entry.writes_gguf
