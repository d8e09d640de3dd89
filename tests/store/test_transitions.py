"""Every row of the table in `transitions`, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from grice_core.errors import NotFoundError, StaleOwnerError, TransitionError
from grice_core.store import claims, metrics, runs, transitions
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.metrics import MetricRow
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.store.samples import claim_of, let_lease_run_out, queued


def state_of(database: Database, run_id: int) -> RunState:
    return runs.get(database, run_id).state


def vanish(database: Database, run_id: int, times: int = 1) -> None:
    for _ in range(times):
        claim_of(database, run_id)
        let_lease_run_out(database, run_id)
        transitions.reconcile(database)


def test_a_claim_makes_the_worker_the_owner(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id, "host:1")
    run = runs.get(database, run_id)
    assert (run.state, run.owner, run.attempt) == (RunState.RUNNING, "host:1", 1)
    assert run.token == claim.token == 1
    assert run.heartbeat_at is not None
    assert run.lease_until == pytest.approx(run.heartbeat_at + claims.LEASE_S)
    assert run.started_at == run.heartbeat_at


def test_a_run_can_be_claimed_once(database: Database) -> None:
    run_id = queued(database)
    claim_of(database, run_id)
    assert transitions.claim(database, run_id, "host:2") is None
    assert runs.get(database, run_id).owner == "host:1"


def test_of_many_workers_that_claim_at_once_one_gets_the_run(database: Database) -> None:
    run_id, together = queued(database), Barrier(8)

    def claim(number: int) -> Claim | None:
        together.wait()
        return transitions.claim(database, run_id, f"host:{number}")

    with ThreadPoolExecutor(8) as threads:
        claims_made = [made for made in threads.map(claim, range(8)) if made is not None]
    assert [made.owner for made in claims_made] == [runs.get(database, run_id).owner]


def test_a_vanished_run_is_taken_from_its_owner_once(database: Database) -> None:
    run_id, together = queued(database), Barrier(8)
    claim_of(database, run_id)
    let_lease_run_out(database, run_id)

    def reconcile(_: int) -> int:
        together.wait()
        return len(transitions.reconcile(database))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(reconcile, range(8))) == 1
    assert runs.get(database, run_id).token == 2


def test_a_wake_up_for_an_earlier_attempt_is_ignored(database: Database) -> None:
    run_id = queued(database)
    transitions.give_back(database, claim_of(database, run_id))
    assert transitions.claim(database, run_id, "host:1", attempt=1) is None
    assert transitions.claim(database, run_id, "host:1", attempt=2) is not None


def test_a_run_that_is_not_there_can_not_be_claim_of(database: Database) -> None:
    assert transitions.claim(database, 99, "host:1") is None


def test_a_finished_run_keeps_its_result_and_has_no_owner(database: Database) -> None:
    run_id = queued(database)
    transitions.finish(database, claim_of(database, run_id), {"cooperative": 0.61})
    run = runs.get(database, run_id)
    assert (run.state, run.owner, run.lease_until) == (RunState.SUCCEEDED, None, None)
    assert run.result == {"cooperative": 0.61}
    assert run.finished_at is not None


def test_finishing_twice_is_finishing_once(database: Database) -> None:
    claim = claim_of(database, queued(database))
    transitions.finish(database, claim)
    transitions.finish(database, claim)
    assert state_of(database, claim.run_id) is RunState.SUCCEEDED


def test_a_failed_run_says_why_and_waits_for_somebody(database: Database) -> None:
    run_id = queued(database)
    transitions.fail(database, claim_of(database, run_id), "the disk is full")
    assert runs.get(database, run_id).error == "the disk is full"
    assert transitions.claim(database, run_id, "host:1") is None
    transitions.resume(database, run_id)
    assert claim_of(database, run_id).attempt == 2
    assert runs.get(database, run_id).error is None


def test_only_failed_and_cancelled_runs_can_be_resumed(database: Database) -> None:
    run_id = queued(database)
    with pytest.raises(TransitionError, match="run 1 is queued"):
        transitions.resume(database, run_id)


def test_stopping_a_waiting_run_cancels_it(database: Database) -> None:
    run_id = queued(database)
    assert transitions.request_stop(database, run_id) is RunState.CANCELLED
    assert transitions.claim(database, run_id, "host:1") is None


def test_a_running_run_hears_the_request_at_its_next_write_and_stops(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    assert not claims.heartbeat(database, claim)
    assert transitions.request_stop(database, run_id) is RunState.RUNNING
    assert claims.heartbeat(database, claim)
    assert claims.report_steps(database, claim, 3, 10)
    assert metrics.record(database, claim, [MetricRow(4, {"loss": 0.5})])
    transitions.acknowledge_stop(database, claim)
    assert state_of(database, run_id) is RunState.CANCELLED


def test_a_cancelled_run_resumed_is_not_stopped_again(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    transitions.request_stop(database, run_id)
    transitions.acknowledge_stop(database, claim)
    transitions.resume(database, run_id)
    assert not claims.heartbeat(database, claim_of(database, run_id))


def test_stopping_a_finished_run_leaves_it_as_it_is(database: Database) -> None:
    claim = claim_of(database, queued(database))
    transitions.finish(database, claim)
    assert transitions.request_stop(database, claim.run_id) is RunState.SUCCEEDED


def test_a_stop_that_comes_too_late_for_a_run_stops_what_follows_it(database: Database) -> None:
    first = queued(database, "first")
    second, third = queued(database, "second", ("first",)), queued(database, "third", ("second",))
    claim = claim_of(database, first)
    transitions.request_stop(database, first)
    transitions.finish(database, claim)  # it had nothing left to do
    transitions.finish(database, claim)  # the connection broke after the first call was kept
    states = [state_of(database, run_id) for run_id in (first, second, third)]
    assert states == [RunState.SUCCEEDED, RunState.CANCELLED, RunState.QUEUED]
    transitions.resume(database, second)
    transitions.finish(database, claim_of(database, second))
    assert state_of(database, third) is RunState.QUEUED
    assert [run.id for run in runs.ready(database)] == [third]


def test_stopping_a_run_that_is_not_there_says_so(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no run 99"):
        transitions.request_stop(database, 99)


def test_a_run_whose_owner_vanished_can_be_claimed_again(database: Database) -> None:
    run_id = queued(database)
    claim_of(database, run_id)
    assert transitions.reconcile(database) == []
    let_lease_run_out(database, run_id)
    (vanished,) = transitions.reconcile(database)
    assert (vanished.run_id, vanished.owner, vanished.state) == (
        run_id,
        "host:1",
        RunState.INTERRUPTED,
    )
    assert transitions.reconcile(database) == []
    assert claim_of(database, run_id, "host:2").attempt == 2


def test_a_heartbeat_keeps_the_lease(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    let_lease_run_out(database, run_id)
    claims.heartbeat(database, claim)
    assert transitions.reconcile(database) == []


@pytest.mark.parametrize(
    "write",
    [
        claims.heartbeat,
        lambda database, claim: claims.report_steps(database, claim, 7, 10),
        lambda database, claim: claims.report_process(database, claim, 4711),
        lambda database, claim: metrics.record(database, claim, [MetricRow(7, {"loss": 9.0})]),
        transitions.finish,
        lambda database, claim: transitions.fail(database, claim, "late"),
        transitions.acknowledge_stop,
        transitions.give_back,
        lambda database, claim: transitions.interrupt(database, claim, "late"),
    ],
)
def test_a_stale_owner_writes_nothing(database: Database, write) -> None:
    run_id = queued(database)
    stale = claim_of(database, run_id, "host:1")
    let_lease_run_out(database, run_id)
    transitions.reconcile(database)
    claim_of(database, run_id, "host:2")
    before = database.read(lambda session: vars_of(session.get_one(Run, run_id)))
    with pytest.raises(StaleOwnerError, match=r"run 1 is not held by host:1 \(attempt 1\)"):
        write(database, stale)
    assert database.read(lambda session: vars_of(session.get_one(Run, run_id))) == before
    assert metrics.since(database, run_id) == []


def vars_of(run: Run) -> dict[str, object]:
    return {column.key: getattr(run, column.key) for column in Run.__table__.columns}


def test_three_attempts_without_progress_are_enough(database: Database) -> None:
    run_id = queued(database)
    vanish(database, run_id, times=2)
    assert state_of(database, run_id) is RunState.INTERRUPTED
    vanish(database, run_id)
    run = runs.get(database, run_id)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert "given up after 3 attempts in a row that got no further than step 0" in run.error
    assert "its worker host:1 gave no sign of life" in run.error


def test_progress_earns_new_attempts(database: Database) -> None:
    run_id = queued(database)
    for step in range(1, 6):
        claims.report_steps(database, claim_of(database, run_id), step, 10)
        let_lease_run_out(database, run_id)
        transitions.reconcile(database)
        assert state_of(database, run_id) is RunState.INTERRUPTED


def test_dying_at_the_same_step_again_is_no_progress(database: Database) -> None:
    run_id = queued(database)
    for attempt in range(1, 5):
        claim = claim_of(database, run_id)
        claims.report_steps(database, claim, 40, 100)
        claims.report_steps(database, claim, 47)
        outcome = transitions.interrupt(database, claim, "killed by signal 9")
        assert outcome is (RunState.FAILED if attempt == 4 else RunState.INTERRUPTED)
    assert "no further than step 47; the last one: killed by signal 9" in str(
        runs.get(database, run_id).error
    )


def test_shutting_down_in_good_order_costs_no_attempt(database: Database) -> None:
    run_id = queued(database)
    for _ in range(5):
        transitions.give_back(database, claim_of(database, run_id))
    assert state_of(database, run_id) is RunState.INTERRUPTED


@pytest.mark.parametrize(
    "end", [transitions.give_back, lambda d, c: transitions.interrupt(d, c, "died")]
)
def test_a_run_that_was_asked_to_stop_is_not_taken_up_again(database: Database, end) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    transitions.request_stop(database, run_id)
    end(database, claim)
    assert state_of(database, run_id) is RunState.CANCELLED


def test_a_vanished_run_that_was_asked_to_stop_is_cancelled(database: Database) -> None:
    run_id = queued(database)
    claim_of(database, run_id)
    transitions.request_stop(database, run_id)
    let_lease_run_out(database, run_id)
    assert [v.state for v in transitions.reconcile(database)] == [RunState.CANCELLED]
