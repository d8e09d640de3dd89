"""Metrics: nothing doubled, nothing missing."""

import math

from grice_core.store import metrics, runs, transitions
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.metrics import MetricRow, MetricWriter
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft, submit_run
from tests.store.samples import claim_of


def claim(database: Database, key: str = "a") -> Claim:
    return claim_of(database, submit_run(database, RunDraft(key, RunKind.TRAIN, {})))


def rows(*steps: int, loss: float = 0.5) -> list[MetricRow]:
    return [MetricRow(step, {"loss": loss}) for step in steps]


def test_a_page_reads_only_the_steps_after_its_last(database: Database) -> None:
    owner = claim(database)
    metrics.record(database, owner, rows(1, 2, 3), num_steps=10)
    assert metrics.since(database, owner.run_id) == rows(1, 2, 3)
    assert metrics.since(database, owner.run_id, step=2) == rows(3)
    assert metrics.since(database, owner.run_id, step=3) == []
    assert metrics.since(database, owner.run_id, limit=2) == rows(1, 2)


def test_recording_says_how_far_the_run_is(database: Database) -> None:
    owner = claim(database)
    metrics.record(database, owner, rows(1, 2), num_steps=10)
    metrics.record(database, owner, rows(3))
    run = runs.get(database, owner.run_id)
    assert (run.step, run.num_steps) == (3, 10)


def test_steps_done_again_after_a_checkpoint_are_neither_doubled_nor_lost(
    database: Database,
) -> None:
    first = claim(database)
    metrics.record(database, first, rows(1, 2, 3, 4))
    transitions.interrupt(database, first, "killed by signal 9")
    second = claim_of(database, first.run_id)
    metrics.record(database, second, rows(3, 4, 5, loss=0.25))
    assert metrics.since(database, first.run_id) == rows(1, 2) + rows(3, 4, 5, loss=0.25)
    run = runs.get(database, first.run_id)
    assert (run.step, run.furthest_step) == (5, 5)


def test_the_same_step_twice_in_one_write_is_stored_once(database: Database) -> None:
    owner = claim(database)
    metrics.record(database, owner, rows(1) + rows(1, loss=0.1))
    assert metrics.since(database, owner.run_id) == rows(1, loss=0.1)


def test_numbers_that_are_not_finite_are_read_as_none(database: Database) -> None:
    owner = claim(database)
    metrics.record(database, owner, [MetricRow(1, {"loss": math.nan, "norm": math.inf})])
    assert metrics.since(database, owner.run_id) == [MetricRow(1, {"loss": None, "norm": None})]


def test_latest_gives_the_last_step_of_each_run(database: Database) -> None:
    one, two, three = claim(database, "a"), claim(database, "b"), claim(database, "c")
    metrics.record(database, one, rows(1, 2))
    metrics.record(database, two, rows(7))
    ids = [one.run_id, two.run_id, three.run_id]
    assert metrics.latest(database, ids) == {one.run_id: rows(2)[0], two.run_id: rows(7)[0]}


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_writer_stores_steps_together_and_all_of_them_when_flushed(database: Database) -> None:
    owner, clock = claim(database), Clock()
    writer = MetricWriter(database, owner, num_steps=4, every_s=0.5, clock=clock)
    writer.add(1, {"loss": 0.5})
    writer.add(2, {"loss": 0.5})
    assert metrics.since(database, owner.run_id) == rows(1)  # the first one at once
    clock.now_s = 0.6
    writer.add(3, {"loss": 0.5})
    assert metrics.since(database, owner.run_id) == rows(1, 2, 3)
    writer.add(4, {"loss": 0.5})
    writer.flush()
    assert metrics.since(database, owner.run_id) == rows(1, 2, 3, 4)


def test_a_writer_hears_that_the_run_is_to_stop(database: Database) -> None:
    owner = claim(database)
    writer = MetricWriter(database, owner, every_s=0)
    assert not writer.add(1, {"loss": 0.5})
    transitions.request_stop(database, owner.run_id)
    assert writer.add(2, {"loss": 0.5})
