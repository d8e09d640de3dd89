"""The queue as people see it: pipelines and single runs, moved, paused, standing still."""

import pytest

from grice_core.errors import NotFoundError
from grice_core.store import queue_lines, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.queue_lines import Obstacle, QueueLine
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.submission import RunDraft, submit_run
from grice_core.store.tables import Run
from tests.store.samples import claim_of, submitted_pipeline


def waiting(database: Database, *keys: str, device: Device = Device.CPU) -> list[int]:
    return [submit_run(database, RunDraft(key, RunKind.TRAIN, {}, device)) for key in keys]


def order(database: Database) -> list[int]:
    return [run.id for run in runs.ready(database)]


def line_of(database: Database, run_id: int) -> QueueLine:
    return next(
        line for line in queue_lines.lines(database) if run_id in {run.id for run in line.runs}
    )


def chain(database: Database, pipeline_id: int) -> list[Run]:
    return list(runs.of_pipeline(database, pipeline_id))


def test_every_line_has_its_place_among_those_of_its_device(database: Database) -> None:
    waiting(database, "a", "b")
    waiting(database, "c", device=Device.GPU)
    assert [line.position for line in queue_lines.lines(database)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("moved", "position", "expected"),
    [(4, 1, [4, 1, 2, 3]), (1, 4, [2, 3, 4, 1]), (2, 3, [1, 3, 2, 4]), (3, 99, [1, 2, 4, 3])],
)
def test_a_run_can_be_moved(
    database: Database, moved: int, position: int, expected: list[int]
) -> None:
    waiting(database, "a", "b", "c", "d")
    queue_lines.move(database, moved, position)
    assert order(database) == expected


def test_a_run_that_does_not_wait_can_not_be_moved(database: Database) -> None:
    (run_id,) = waiting(database, "a")
    claim_of(database, run_id)
    with pytest.raises(NotFoundError, match="run 1 is not waiting for its turn"):
        queue_lines.move(database, run_id, 1)


def test_the_runs_of_a_pipeline_move_together(database: Database, artifacts: ArtifactStore) -> None:
    first = submitted_pipeline(database, artifacts, "one")
    second = submitted_pipeline(database, artifacts, "two")
    assert [len(line.runs) for line in queue_lines.lines(database)] == [2, 2]

    queue_lines.move(database, chain(database, second)[0].id, 1)

    # One worker now does all of the second pipeline before it begins the first.
    done = []
    while ready := runs.ready(database):
        transitions.finish(database, claim_of(database, ready[0].id))
        done.append(ready[0].pipeline_id)
    assert done == [second, second, first, first]


def test_what_is_under_way_has_no_place_and_stands_first(
    database: Database, artifacts: ArtifactStore
) -> None:
    waits, goes = (submitted_pipeline(database, artifacts, key) for key in ("one", "two"))
    claim_of(database, chain(database, goes)[0].id)
    found = queue_lines.lines(database)
    assert [(line.first.pipeline_id, line.position) for line in found] == [(goes, None), (waits, 1)]
    assert [line.is_under_way for line in found] == [True, False]
    with pytest.raises(NotFoundError, match="not waiting for its turn"):
        queue_lines.move(database, found[0].first.id, 1)


def test_a_line_says_what_it_waits_for_and_is_not_counted_when_it_stands_still(
    database: Database,
) -> None:
    (parent,) = waiting(database, "a")
    child = submit_run(database, RunDraft("b", RunKind.EVALUATE, {}, parents=("a",)))
    assert queue_lines.num_waiting(database) == 1
    transitions.fail(database, claim_of(database, parent), "out of memory")
    (line,) = queue_lines.lines(database)
    assert line.stands_still
    assert (line.first.id, line.position) == (child, None)
    assert line.obstacles == (Obstacle(child, parent, RunKind.TRAIN, None, RunState.FAILED),)
    assert queue_lines.num_waiting(database) == 0
    assert order(database) == []
    assert [run.id for run in runs.parents(database, child)] == [parent]


def test_a_failed_pipeline_does_not_hold_up_the_next(
    database: Database, artifacts: ArtifactStore
) -> None:
    fails, follows = (submitted_pipeline(database, artifacts, key) for key in ("one", "two"))
    transitions.fail(database, claim_of(database, chain(database, fails)[0].id), "loss is NaN")
    assert order(database)[0] == chain(database, follows)[0].id
    assert line_of(database, chain(database, follows)[0].id).position == 1
    assert line_of(database, chain(database, fails)[1].id).stands_still


def test_a_paused_queue_gives_nothing_away_until_it_goes_on(database: Database) -> None:
    (on_cpu,) = waiting(database, "a")
    (on_gpu,) = waiting(database, "b", device=Device.GPU)
    queue_lines.pause(database, [Device.CPU])
    queue_lines.pause(database, [Device.CPU])
    assert queue_lines.paused(database) == {Device.CPU}
    assert order(database) == [on_gpu]
    assert transitions.claim(database, on_cpu, "host:1") is None
    assert runs.get(database, on_cpu).state is RunState.QUEUED
    queue_lines.unpause(database)
    assert queue_lines.paused(database) == frozenset()
    claim_of(database, on_cpu)


def test_what_runs_goes_on_while_the_queue_is_paused(database: Database) -> None:
    (run_id,) = waiting(database, "a")
    claim = claim_of(database, run_id)
    queue_lines.pause(database)
    transitions.finish(database, claim)
    assert runs.get(database, run_id).state is RunState.SUCCEEDED
