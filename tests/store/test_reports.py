"""What the owner of a run tells about it, on both databases."""

import pytest

from grice_core.errors import StaleOwnerError
from grice_core.store import claims, runs, transitions
from grice_core.store.database import Database
from tests.store.samples import claim_of, let_lease_run_out, queued


def test_checkpoints_pace_and_troubles_are_told_by_the_owner_only(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    claims.report_steps(database, claim, 12, 100, pace_s=0.5)
    claims.report_steps(database, claim, 13, 100)
    claims.report_checkpoint(database, claim, 10)
    claims.report_trouble(database, claim, "chosen-collapse", "it forgets")
    claims.report_trouble(database, claim, "lost-retention", "it undoes stage1")
    run = runs.get(database, run_id)
    assert (run.step, run.checkpoint_step, run.pace_s) == (13, 10, 0.5)
    assert run.troubles == {"chosen-collapse": "it forgets", "lost-retention": "it undoes stage1"}

    transitions.interrupt(database, claim, "killed")
    with pytest.raises(StaleOwnerError):
        claims.report_checkpoint(database, claim, 20)
    claim_of(database, run_id)
    run = runs.get(database, run_id)
    assert (run.checkpoint_step, run.pace_s) == (10, None)  # another worker, another pace


def test_a_run_begun_anew_has_no_checkpoint_and_no_troubles(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    claims.report_checkpoint(database, claim, 10)
    claims.report_trouble(database, claim, "chosen-collapse", "it forgets")
    transitions.finish(database, claim)
    transitions.rerun(database, run_id)
    run = runs.get(database, run_id)
    assert (run.checkpoint_step, run.troubles) == (None, None)


def test_an_interruption_is_remembered_although_the_run_goes_on_at_once(database: Database) -> None:
    run_id = queued(database)
    claim = claim_of(database, run_id)
    claims.report_checkpoint(database, claim, 40)
    claims.report_steps(database, claim, 47, 100)
    transitions.interrupt(database, claim, "its process was killed")
    claim_of(database, run_id)
    told = "interrupted at step 47 (its process was killed), continuing from step 40"
    assert runs.get(database, run_id).troubles == {"interrupted": told}
    let_lease_run_out(database, run_id)
    transitions.reconcile(database)
    assert "gave no sign of life), continuing from step 40" in str(
        runs.get(database, run_id).troubles
    )
