"""What happened to pipelines is noted with it, and sent by one at a time until it is closed."""

from pathlib import Path

import pytest
from sqlalchemy import update

from grice_core.errors import StaleOwnerError
from grice_core.store import notices, pipelines, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.notices import DueNotice
from grice_core.store.states import NoticeEvent
from grice_core.store.tables import Notice
from grice_core.store.vanishing import MAX_FUTILE_ATTEMPTS
from tests.store.samples import (
    claim_of,
    finished_pipeline,
    let_lease_run_out,
    queued,
    submitted_pipeline,
)


def taken(database: Database) -> DueNotice:
    """The notice that is due, which there is."""
    notice = notices.take(database, for_s=60)
    assert notice is not None
    return notice


def training(database: Database, artifacts: ArtifactStore, key: str = "demo") -> Claim:
    pipeline_id = submitted_pipeline(database, artifacts, key)
    return claim_of(database, runs.of_pipeline(database, pipeline_id)[0].id)


def let_it_be_due(database: Database) -> None:
    database.write(lambda session: session.execute(update(Notice).values(due_at=0.0)))


def test_a_pipeline_is_done_when_its_last_run_is(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    claim = training(database, artifacts)
    transitions.finish(database, claim)
    assert not notices.is_any_due(database)
    evaluation = claim_of(database, claim.run_id + 1)
    transitions.finish(database, evaluation, {"verdict": {"state": "met"}})
    transitions.finish(database, evaluation)  # said twice, as after a lost connection
    notice = taken(database)
    assert (notice.event, notice.verdict) == (NoticeEvent.SUCCEEDED, "met")
    assert notices.take(database, for_s=60) is None
    finished_pipeline(database, artifacts, tmp_path, "another")
    assert taken(database).pipeline_id != notice.pipeline_id


def test_each_failure_is_noted(database: Database, artifacts: ArtifactStore) -> None:
    claim = training(database, artifacts)
    transitions.fail(database, claim, "the loss is NaN")
    assert taken(database).event is NoticeEvent.FAILED
    transitions.resume(database, claim.run_id)
    transitions.fail(database, claim_of(database, claim.run_id), "the loss is NaN")
    assert taken(database).event is NoticeEvent.FAILED


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_run_that_is_given_up_has_failed(
    database: Database, artifacts: ArtifactStore, is_killed: bool
) -> None:
    claim = training(database, artifacts)
    for attempt in range(MAX_FUTILE_ATTEMPTS):
        assert not notices.is_any_due(database)
        if is_killed:
            transitions.interrupt(database, claim, "killed by signal 9")
        else:
            let_lease_run_out(database, claim.run_id)
            transitions.reconcile(database)
        if attempt < MAX_FUTILE_ATTEMPTS - 1:
            claim = claim_of(database, claim.run_id)
    assert taken(database).event is NoticeEvent.FAILED


def test_what_a_person_stopped_and_what_stands_alone_is_not_noted(
    database: Database, artifacts: ArtifactStore
) -> None:
    claim = training(database, artifacts)
    transitions.request_stop(database, claim.run_id)
    transitions.acknowledge_stop(database, claim)
    alone = claim_of(database, queued(database, "alone"))
    notices.note_stall(database, alone)
    transitions.fail(database, alone, "no room")
    assert not notices.is_any_due(database)


def test_a_stall_is_noted_once_per_attempt_by_who_has_the_run(
    database: Database, artifacts: ArtifactStore
) -> None:
    claim = training(database, artifacts)
    for _ in range(2):
        notices.note_stall(database, claim)
    assert taken(database).event is NoticeEvent.STALLED
    assert notices.take(database, for_s=60) is None
    transitions.give_back(database, claim)
    with pytest.raises(StaleOwnerError):
        notices.note_stall(database, claim)


def test_who_takes_a_notice_and_dies_leaves_it_to_another(
    database: Database, artifacts: ArtifactStore
) -> None:
    transitions.fail(database, training(database, artifacts), "no room")
    first = taken(database)
    assert notices.take(database, for_s=60) is None
    let_it_be_due(database)
    second = taken(database)
    notices.reach(database, second, 1)
    # The first one only slept: what it says now changes nothing.
    notices.close(database, first)
    let_it_be_due(database)
    third = taken(database)
    assert (third.attempts, third.reached) == (3, {1})
    notices.close(database, third)
    let_it_be_due(database)
    assert not notices.is_any_due(database)


def test_pauses_between_two_tries_grow(database: Database, artifacts: ArtifactStore) -> None:
    transitions.fail(database, training(database, artifacts), "no room")
    pauses = []
    for _ in range(8):
        let_it_be_due(database)
        pauses.append(notices.postpone(database, taken(database), "Slack can't be reached"))
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    found = notices.counts(database)
    assert (found.num_waiting, found.trouble) == (1, "Slack can't be reached")


def test_a_removed_pipeline_takes_its_notices_along(
    database: Database, artifacts: ArtifactStore
) -> None:
    claim = training(database, artifacts)
    transitions.fail(database, claim, "no room")
    notice = taken(database)
    pipelines.remove(database, notice.pipeline_id)
    notices.reach(database, notice, 0)
    notices.close(database, notice)
    assert notices.counts(database).num_waiting == 0
