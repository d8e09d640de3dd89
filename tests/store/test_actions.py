"""Who may change what, and the log of it."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grice_core.errors import NotAllowedError, TransitionError
from grice_core.maxims import Maxim
from grice_core.store import (
    audit,
    data_sets,
    label_decisions,
    pipeline_table,
    pipelines,
    queue_lines,
    references,
    runs,
    transitions,
    votes,
)
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.audit import AuditFilter
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from grice_core.store.submission import RunDraft, submit_run
from grice_core.store.tables import AuditEntry
from grice_core.store.votes import Ballot
from tests.store.samples import ADA, claim_of, queued, submitted_pipeline

BOB = Actor("bob@example.org", Role.MEMBER, "dashboard, 10.0.0.7")
EVE = Actor("eve@example.org", Role.VIEWER, "dashboard, 10.0.0.8")
ROOT = Actor("root", Role.ADMIN, "grice on host")

BOOKKEEPING = {
    "claims": {
        "heartbeat",
        "report_steps",
        "report_checkpoint",
        "report_trouble",
        "report_found",
        "report_process",
        "withdraw_trouble",
    },
    "generations": {"replace"},
    "logs": {"_note"},
    "metrics": {"record"},
    "notices": {"close", "note_stall", "postpone", "reach", "take"},
    "references": {"attach", "detach"},
    "runs": {"while_unclaimed"},
    "sampled_answers": {"record"},
    "sampling_shares": {"remove"},
    "sweeps": {"add_members", "fail", "finish", "launch_member", "note_outcome"},
    "transitions": {
        "claim",
        "finish",
        "fail",
        "acknowledge_stop",
        "give_back",
        "interrupt",
        "_take_from_vanished",
        "withdraw",
    },
}
"""What workers write of their own work; everything else is done for a person."""


def written() -> Iterator[tuple[str, ast.FunctionDef, set[str]]]:
    """Module, function and decorators of every transaction that writes."""
    root = Path(__file__).parents[2]
    for folder in ("grice_core", "worker", "app"):
        for path in sorted((root / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "@writes" not in source:
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef):
                    names = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
                    if "writes" in names:
                        yield path.stem, node, names


def log_of(database: Database) -> list[tuple[str, str, str, int | None]]:
    """Who did what to what, the oldest first."""
    return [(e.actor, e.action, e.kind, e.target_id) for e in reversed(audit.page(database))]


def test_whatever_a_person_changes_is_an_action() -> None:
    found = {(module, node.name): "action" in names for module, node, names in written()}
    bookkeeping = {(module, name) for module, names in BOOKKEEPING.items() for name in names}
    assert len(found) > 30
    assert {each for each, is_action in found.items() if not is_action} == bookkeeping


def test_only_the_decorator_opens_a_transaction_that_writes() -> None:
    root = Path(__file__).parents[2]
    files = [
        path for folder in ("grice_core", "worker", "app") for path in (root / folder).rglob("*.py")
    ]
    assert [path.name for path in files if "database.write(" in path.read_text()] == ["database.py"]


def test_a_change_is_logged_with_who_did_it_to_what_and_from_where(
    database: Database, artifacts: ArtifactStore
) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    pipelines.remove(database.acting_as(ROOT), pipeline_id)
    entry = audit.page(database, limit=1)[0]
    assert (entry.actor, entry.role, entry.action) == ("root", "admin", "remove pipeline")
    assert (entry.kind, entry.target_id, entry.target) == ("pipeline", pipeline_id, "demo")
    assert entry.source == "grice on host"
    assert entry.created_at > 0


def test_what_changes_nothing_leaves_no_line(database: Database, artifacts: ArtifactStore) -> None:
    submitted_pipeline(database, artifacts)
    run_id = queued(database)
    transitions.request_stop(database, run_id)
    queue_lines.pause(database)
    logged = len(audit.page(database))

    submitted_pipeline(database, artifacts)
    queued(database)
    transitions.request_stop(database, run_id)
    queue_lines.pause(database)
    with pytest.raises(TransitionError):
        transitions.resume(database, runs.of_pipeline(database, 1)[0].id)
    with pytest.raises(NotAllowedError):
        pipelines.remove(database.acting_as(EVE), 1)

    assert len(audit.page(database)) == logged
    queue_lines.unpause(database)
    queue_lines.unpause(database)
    assert len(audit.page(database)) == logged + 1


def test_everything_that_a_sample_takes_is_logged_by_its_name(
    database: Database, artifacts: ArtifactStore
) -> None:
    pipeline_id = submitted_pipeline(database.acting_as(BOB), artifacts)
    assert log_of(database) == [
        (BOB.name, "save recipe", "recipe", 1),
        (BOB.name, "add data set", "data set", 1),
        (BOB.name, "add detector", "detector", 1),
        ("ada", "launch pipeline", "pipeline", pipeline_id),
    ]
    assert pipelines.get(database, pipeline_id).started_by == "ada"
    assert {run.started_by for run in runs.of_pipeline(database, pipeline_id)} == {"ada"}


def test_a_viewer_changes_nothing(database: Database, artifacts: ArtifactStore) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    run_id = runs.of_pipeline(database, pipeline_id)[0].id
    eve = database.acting_as(EVE)
    tries: list[Callable[[], object]] = [
        lambda: submitted_pipeline(eve, artifacts, "another"),
        lambda: submit_run(eve, RunDraft("b", RunKind.ESTIMATE, {})),
        lambda: transitions.request_stop(eve, run_id),
        lambda: transitions.rerun(eve, run_id),
        lambda: queue_lines.move(eve, run_id, 1),
        lambda: queue_lines.pause(eve),
        lambda: data_sets.rename(eve, 1, "mine"),
        lambda: data_sets.remove(eve, 1),
        lambda: pipeline_table.annotate(eve, pipeline_id, name="mine", tags=[], note=""),
        lambda: pipelines.remove(eve, pipeline_id),
        lambda: votes.cast(eve, Ballot(run_id, 0, EVE.name, {})),
        lambda: label_decisions.decide(eve, "a" * 64, 1, Maxim.MANNER, "flip"),
        lambda: label_decisions.take_back(eve, "a" * 64, 1, Maxim.MANNER),
        lambda: references.collect_garbage(eve, artifacts),
        lambda: audit.note_question(eve, "pipeline", pipeline_id),
    ]
    for attempt in tries:
        with pytest.raises(NotAllowedError, match=r"only .*admins may do this; .* is a viewer"):
            attempt()
    assert pipelines.get(eve, pipeline_id).name == "demo"


def test_members_change_what_is_their_own_and_admins_everything(
    database: Database, artifacts: ArtifactStore
) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    run_id = runs.of_pipeline(database, pipeline_id)[0].id
    bob, ada = database.acting_as(BOB), database.acting_as(ADA)
    for attempt in (
        lambda: pipelines.remove(bob, pipeline_id),
        lambda: transitions.request_stop(bob, run_id),
        lambda: pipeline_table.annotate(bob, pipeline_id, name="b", tags=[], note=""),
    ):
        with pytest.raises(NotAllowedError, match="only ada or an admin may do this"):
            attempt()
    assert transitions.request_stop(ada, run_id) is RunState.CANCELLED
    transitions.resume(database.acting_as(ROOT), run_id)
    pipelines.remove(database.acting_as(Actor("ADA", Role.MEMBER, "")), pipeline_id)


def test_the_queue_as_a_whole_and_unused_files_are_for_admins(
    database: Database, artifacts: ArtifactStore
) -> None:
    bob = database.acting_as(BOB)
    with pytest.raises(NotAllowedError, match=r"only admins may do this; .* is a member"):
        queue_lines.pause(bob)
    with pytest.raises(NotAllowedError, match="only admins"):
        references.collect_garbage(bob, artifacts)
    with pytest.raises(NotAllowedError, match="only admins"):
        audit.page(bob)


def test_nobody_votes_in_anothers_name(database: Database) -> None:
    with pytest.raises(NotAllowedError, match="only ada or an admin"):
        votes.cast(database.acting_as(BOB), Ballot(1, 0, "ada", {}))


def test_runs_of_before_belong_to_no_member_and_measurements_to_all(database: Database) -> None:
    unknown = submit_run(
        database.acting_as(Actor("", Role.ADMIN, "")), RunDraft("a", RunKind.TRAIN, {})
    )
    measurement = submit_run(database.acting_as(ADA), RunDraft("b", RunKind.ESTIMATE, {}))
    bob = database.acting_as(BOB)
    with pytest.raises(NotAllowedError, match="only an admin may do this"):
        transitions.request_stop(bob, unknown)
    assert transitions.request_stop(bob, measurement) is RunState.CANCELLED


def test_workers_need_no_role_for_their_own_work(database: Database) -> None:
    run_id = queued(database)
    transitions.fail(database, claim_of(database, run_id), "it broke")
    assert [action for _, action, _, _ in log_of(database)] == ["ask for run"]


def test_the_log_is_read_page_by_page_and_filtered(
    database: Database, artifacts: ArtifactStore
) -> None:
    submitted_pipeline(database.acting_as(BOB), artifacts)
    newest = audit.page(database, limit=3)
    assert [entry.id for entry in newest] == [4, 3, 2]
    assert [entry.id for entry in audit.page(database, before_id=2)] == [1]
    assert [entry.id for entry in audit.page(database, AuditFilter(actor="ada"))] == [4]
    assert [entry.id for entry in audit.page(database, AuditFilter(action="save recipe"))] == [1]
    assert audit.page(database, AuditFilter(since=newest[0].created_at + 1)) == []
    assert audit.mentioned(database) == (
        ["ada", BOB.name],
        ["add data set", "add detector", "launch pipeline", "save recipe"],
    )


def test_no_cell_of_the_csv_is_a_formula() -> None:
    entry = AuditEntry(
        id=1,
        created_at=0.0,
        actor="+1@example.org",
        role="member",
        action="rename data set",
        kind="data set",
        target_id=3,
        target='=HYPERLINK("x")',
        source="@dashboard",
    )
    assert audit.as_csv([entry]).splitlines() == [
        "time,who,role,action,kind,id,name,from",
        "1970-01-01 00:00:00Z,'+1@example.org,member,rename data set,data set,3,"
        '"\'=HYPERLINK(""x"")",\'@dashboard',
    ]
