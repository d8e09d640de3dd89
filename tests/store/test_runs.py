"""Lists and the queue."""

import pytest

from grice_core.errors import NotFoundError
from grice_core.store import runs, transitions
from grice_core.store.database import Database
from grice_core.store.runs import Obstacle, RunFilter
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.submission import RunDraft, submit_run
from tests.store.samples import claim_of


def waiting(database: Database, *keys: str, device: Device = Device.CPU) -> list[int]:
    return [submit_run(database, RunDraft(key, RunKind.TRAIN, {}, device)) for key in keys]


def order(database: Database, device: Device | None = None) -> list[int]:
    return [run.id for run in runs.ready(database, device)]


def test_first_come_first_served(database: Database) -> None:
    ids = waiting(database, "a", "b", "c")
    assert order(database) == ids
    assert [entry.position for entry in runs.queue(database)] == [1, 2, 3]


def test_each_device_has_its_own_queue(database: Database) -> None:
    (on_cpu,) = waiting(database, "a")
    (on_gpu,) = waiting(database, "b", device=Device.GPU)
    assert order(database, Device.CPU) == [on_cpu]
    assert order(database, Device.GPU) == [on_gpu]
    assert [entry.position for entry in runs.queue(database)] == [1, 1]


def test_a_higher_priority_goes_first(database: Database) -> None:
    a, b, c = waiting(database, "a", "b", "c")
    runs.set_priority(database, c, 5)
    assert order(database) == [c, a, b]


@pytest.mark.parametrize(
    ("moved", "position", "expected"),
    [(4, 1, [4, 1, 2, 3]), (1, 4, [2, 3, 4, 1]), (2, 3, [1, 3, 2, 4]), (3, 99, [1, 2, 4, 3])],
)
def test_a_run_can_be_moved_in_the_queue(
    database: Database, moved: int, position: int, expected: list[int]
) -> None:
    waiting(database, "a", "b", "c", "d")
    runs.move_to(database, moved, position)
    assert order(database) == expected


def test_a_run_that_does_not_wait_can_not_be_moved(database: Database) -> None:
    (run_id,) = waiting(database, "a")
    claim_of(database, run_id)
    with pytest.raises(NotFoundError, match="run 1 is not waiting"):
        runs.move_to(database, run_id, 1)


def test_the_queue_says_what_a_run_waits_for(database: Database) -> None:
    (parent,) = waiting(database, "a")
    child = submit_run(database, RunDraft("b", RunKind.EVALUATE, {}, parents=("a",)))
    transitions.fail(database, claim_of(database, parent), "out of memory")
    (entry,) = runs.queue(database)
    assert (entry.run.id, entry.position) == (child, None)
    assert entry.obstacles == (Obstacle(child, parent, RunKind.TRAIN, None, RunState.FAILED),)
    assert order(database) == []
    assert [run.id for run in runs.parents(database, child)] == [parent]


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


def test_a_run_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no run 7; `grice runs` lists them"):
        runs.get(database, 7)
