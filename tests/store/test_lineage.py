"""Runs that are built on others: waiting, going stale, being run again."""

import pytest

from grice_core.errors import TransitionError
from grice_core.store import metrics, runs, transitions
from grice_core.store.database import Database
from grice_core.store.metrics import MetricRow
from tests.store.samples import claim_of, queued


def test_a_run_waits_for_its_parents(database: Database) -> None:
    parent, child = queued(database, "a"), queued(database, "b", parents=("a",))
    assert transitions.claim(database, child, "host:1") is None
    assert [run.id for run in runs.ready(database)] == [parent]
    transitions.finish(database, claim_of(database, parent))
    assert [run.id for run in runs.ready(database)] == [child]
    claim_of(database, child)


def chain(database: Database) -> tuple[int, int, int]:
    """Three runs in a row, the first two of them finished."""
    first = queued(database, "a")
    second = queued(database, "b", parents=("a",))
    third = queued(database, "c", parents=("b",))
    for run_id in (first, second):
        transitions.finish(database, claim_of(database, run_id), {"loss": 0.5})
    return first, second, third


def test_running_a_parent_again_marks_what_was_built_on_it(database: Database) -> None:
    first, second, third = chain(database)
    transitions.finish(database, claim_of(database, third))
    assert transitions.rerun(database, first) == [second, third]
    assert runs.get(database, third).stale


def test_what_has_not_started_is_not_stale(database: Database) -> None:
    first, second, third = chain(database)
    assert transitions.rerun(database, first) == [second]
    assert not runs.get(database, third).stale


def test_what_is_built_on_something_stale_is_stale(database: Database) -> None:
    first, second, third = chain(database)
    transitions.rerun(database, first)
    claim_of(database, third)
    assert runs.get(database, second).stale
    assert runs.get(database, third).stale


def test_running_a_stale_run_again_makes_it_fresh(database: Database) -> None:
    first, second, _ = chain(database)
    transitions.rerun(database, first)
    transitions.finish(database, claim_of(database, first))
    transitions.rerun(database, second)
    claim_of(database, second)
    assert not runs.get(database, second).stale


def test_running_again_starts_from_nothing(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    metrics.record(database, claim, [MetricRow(1, {"loss": 0.7})], num_steps=1)
    transitions.finish(database, claim, {"loss": 0.7})
    transitions.rerun(database, run_id)
    run = runs.get(database, run_id)
    assert (run.round, run.step, run.num_steps, run.result) == (1, 0, None, None)
    assert metrics.since(database, run_id) == []
    assert claim_of(database, run_id).round == 1


def test_a_running_run_can_not_be_run_again(database: Database) -> None:
    run_id = queued(database)
    claim_of(database, run_id)
    with pytest.raises(TransitionError, match="run 1 is running already; stop it first"):
        transitions.rerun(database, run_id)
