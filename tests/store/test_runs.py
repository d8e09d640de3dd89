"""Lists and the queue."""

import pytest
from sqlalchemy import update

from grice_core.errors import NotFoundError
from grice_core.store import runs, transitions
from grice_core.store.database import Database
from grice_core.store.runs import RunFilter
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.submission import RunDraft, submit_run
from grice_core.store.tables import Run
from tests.store.samples import claim_of


def waiting(database: Database, *keys: str, device: Device = Device.CPU) -> list[int]:
    return [submit_run(database, RunDraft(key, RunKind.TRAIN, {}, device)) for key in keys]


def order(database: Database, device: Device | None = None) -> list[int]:
    return [run.id for run in runs.ready(database, device)]


def test_first_come_first_served(database: Database) -> None:
    ids = waiting(database, "a", "b", "c")
    assert order(database) == ids


def test_each_device_has_its_own_queue(database: Database) -> None:
    (on_cpu,) = waiting(database, "a")
    (on_gpu,) = waiting(database, "b", device=Device.GPU)
    assert order(database, Device.CPU) == [on_cpu]
    assert order(database, Device.GPU) == [on_gpu]


def test_a_higher_priority_goes_first(database: Database) -> None:
    a, b = waiting(database, "a", "b")
    c = submit_run(database, RunDraft("c", RunKind.TRAIN, {}, priority=5))
    assert order(database) == [c, a, b]


def test_a_page_shows_the_newest_first_and_goes_on_where_the_last_one_ended(
    database: Database,
) -> None:
    ids = waiting(database, "a", "b", "c")
    first = runs.page(database, limit=2)
    assert [run.id for run in first] == [ids[2], ids[1]]
    rest = runs.page(database, RunFilter(before_id=first[-1].id), limit=2)
    assert [run.id for run in rest] == [ids[0]]


def test_a_page_can_be_narrowed(database: Database) -> None:
    a, b = waiting(database, "a", "b")
    claim_of(database, a)
    running = runs.page(database, RunFilter(states={RunState.RUNNING}, kinds={RunKind.TRAIN}))
    assert [run.id for run in running] == [a]
    assert runs.page(database, RunFilter(kinds={RunKind.SCORE})) == []
    assert runs.count_by_state(database) == {RunState.RUNNING: 1, RunState.QUEUED: 1}
    assert b in order(database)


def test_runs_are_counted_by_kind_and_state_with_their_claims(database: Database) -> None:
    a, _ = waiting(database, "a", "b")
    claim_of(database, a)
    found = {(load.state, load.num_runs, load.num_claims) for load in runs.load(database)}
    assert found == {(RunState.RUNNING, 1, 1), (RunState.QUEUED, 1, 0)}


def test_a_run_waits_since_it_could_go_not_since_it_was_asked_for(database: Database) -> None:
    (first,) = waiting(database, "first")
    submit_run(database, RunDraft("second", RunKind.EVALUATE, {}, Device.GPU, parents=("first",)))
    an_hour_ago(database)
    waits = runs.longest_waits(database)
    assert set(waits) == {Device.CPU}  # the other one can't go yet
    assert 3600 <= waits[Device.CPU] < 3660
    transitions.finish(database, claim_of(database, first))
    assert set(runs.longest_waits(database)) == {Device.GPU}
    assert 0 <= runs.longest_waits(database)[Device.GPU] < 60


def an_hour_ago(database: Database) -> None:
    """Let all runs have been submitted then."""
    database.write(
        lambda session: session.execute(update(Run).values(created_at=Run.created_at - 3600))
    )


def test_a_run_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no run 7; `grice runs` lists them"):
        runs.get(database, 7)
