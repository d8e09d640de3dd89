"""Old pipelines go by rules; what people care for, and what runs, stays."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from grice_core.errors import InputError, NotAllowedError, NotFoundError
from grice_core.maxims import Maxim
from grice_core.store import (
    audit,
    pipeline_table,
    pipelines,
    references,
    runs,
    sweeps,
    transitions,
    votes,
)
from grice_core.store.actors import Actor, Role
from grice_core.store.artifacts import Address, ArtifactStore
from grice_core.store.database import Database
from grice_core.store.references import Collected
from grice_core.store.retention import Reason, Retention, plan, remove_expired
from grice_core.store.states import Device, RunState
from grice_core.store.submission import PipelineDraft
from grice_core.store.sweeps import MemberDraft, MemberKey, SweepDraft
from grice_core.store.tables import RunArtifact
from grice_core.store.votes import Ballot
from tests.store.samples import (
    DAY_S,
    age,
    claim_of,
    finished_pipeline,
    long_ago,
    submitted_pipeline,
)

KEEP_30_DAYS = Retention(younger_than_s=30 * DAY_S)


@pytest.fixture
def finished(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> list[int]:
    """Four pipelines that ended 40, 35, 20 and 0 days ago."""
    ids = [finished_pipeline(database, artifacts, tmp_path, key) for key in "abcd"]
    for pipeline_id, days in zip(ids, (40, 35, 20, 0), strict=True):
        age(database, pipeline_id, days)
    return ids


def expired(database: Database, *rules: str) -> list[int]:
    return [one.id for one in plan(database, Retention.parse(rules)).expired]


def test_what_any_rule_keeps_stays(database: Database, finished: list[int]) -> None:
    a, b, c, d = finished
    assert expired(database, "30d") == [b, a]
    assert expired(database, "last:1") == [c, b, a]
    assert expired(database, "38d", "last:1") == [a]
    assert expired(database, "30d", "last:3") == [a]
    assert expired(database, "12h", "24h", "30m") == [c, b, a]
    assert expired(database, "last:4") == expired(database, "last:9") == []
    kept = plan(database, Retention.parse(["30d", "last:3"])).kept
    assert kept == {Reason.YOUNG: 2, Reason.NEWEST: 1}
    assert d in {pipeline.pipeline.id for pipeline in pipelines.page(database)}


def test_what_a_sweep_under_way_may_need_stays(database: Database, finished: list[int]) -> None:
    a, b, *_ = finished
    pipeline = pipelines.get(database, a)
    draft = SweepDraft(
        key="sweep",
        name="sweep",
        recipe_id=pipeline.recipe_id,
        data_set_id=pipeline.data_set_id,
        eval_data_set_id=pipeline.data_set_id,
        detector_id=None,
        device=Device.CPU,
        pipeline={},
        search={},
    )
    sweep_id = sweeps.submit(database, draft)
    assert sweeps.add_members(database, sweep_id, 0, [MemberDraft("as-it-is", 0, "search")])
    again = PipelineDraft(pipeline.key, "", pipeline.recipe_id, pipeline.data_set_id, "", [])
    key = MemberKey(sweep_id, "as-it-is", 0, "search")
    assert sweeps.launch_member(database, key, again, None), "the pipeline that is there already"
    assert expired(database, "30d") == [b]
    sweeps.cancel(database, sweep_id)
    assert expired(database, "30d") == [b, a]


@pytest.mark.parametrize("rule", ["", "30", "last:", "last:0", "last:-1", "last:²", "30 d", "-3d"])
def test_what_is_no_rule_is_said(rule: str) -> None:
    with pytest.raises(InputError, match="is no rule: write"):
        Retention.parse([rule])


def test_no_rule_at_all_would_remove_everything() -> None:
    with pytest.raises(InputError, match="say what to keep"):
        Retention.parse([])


def test_what_people_care_for_and_what_is_not_finished_stays(
    database: Database, artifacts: ArtifactStore, finished: list[int]
) -> None:
    a, b, c, _ = finished
    pipeline_table.annotate(database, a, name="demo", tags=["paper"], note="")
    evaluation = runs.of_pipeline(database, b)[1]
    voter = database.acting_as(Actor("", Role.ADMIN, "test"))
    votes.cast(voter, Ballot(evaluation.id, 0, "", {"stage1": frozenset({Maxim.MANNER})}))
    pipeline_table.annotate(database, c, name="demo", tags=[], note="the first that worked")
    waiting = submitted_pipeline(database, artifacts, "waits")
    age(database, waiting, 50)
    found = plan(database, Retention(younger_than_s=1.0, newest=None))
    assert Reason.UNFINISHED in found.kept
    assert found.kept[Reason.NOTED] == 2
    assert found.kept[Reason.JUDGED] == 1
    assert not {a, b, c, waiting} & {one.id for one in found.expired}


def test_what_a_dry_run_says_is_what_then_goes(
    database: Database, artifacts: ArtifactStore, finished: list[int]
) -> None:
    a, b, c, d = finished
    before = references.garbage(database, artifacts, grace_s=0)
    planned = plan(database, KEEP_30_DAYS)
    without = [one.id for one in planned.expired]
    said = references.garbage(database, artifacts, grace_s=0, without=without)
    assert [one.pipeline.id for one in pipelines.page(database)] == [d, c, b, a]

    assert before == Collected(0, 0)
    assert remove_expired(database, planned) == list(planned.expired)
    assert [one.pipeline.id for one in pipelines.page(database)] == [d, c]
    assert references.collect_garbage(database, artifacts, grace_s=0) == said
    # All adapters are the same, so their files stay as long as one of them does.
    assert said == Collected(0, 0)

    last = plan(database, Retention(newest=1))
    without = [one.id for one in last.expired]
    remove_expired(database, last)
    pipelines.remove(database, d)
    said = references.garbage(database, artifacts, grace_s=0)
    assert without == [c]
    assert said.num_files == 3
    assert references.collect_garbage(database, artifacts, grace_s=0) == said


def test_files_that_only_the_removed_ones_needed_are_counted_before(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    only = finished_pipeline(database, artifacts, tmp_path)
    age(database, only, 40)
    planned = plan(database, KEEP_30_DAYS)
    said = references.garbage(database, artifacts, grace_s=0, without=[only])
    assert said.num_files == 3  # two files of the adapter and their manifest
    assert remove_expired(database, planned)[0].id == only
    assert references.collect_garbage(database, artifacts, grace_s=0) == said


def test_admins_alone_remove_by_rules_and_each_removal_is_logged(
    database: Database, finished: list[int]
) -> None:
    a, b, *_ = finished
    planned = plan(database, KEEP_30_DAYS)
    ada = database.acting_as(Actor("ada", Role.MEMBER, "test"))
    with pytest.raises(NotAllowedError, match="only admins"):
        remove_expired(ada, planned)
    remove_expired(database.acting_as(Actor("root", Role.ADMIN, "test")), planned)
    log = [(entry.actor, entry.action, entry.target_id) for entry in audit.page(database)]
    assert log[:2] == [("root", "remove pipeline", a), ("root", "remove pipeline", b)]


def test_what_is_resumed_tagged_or_removed_between_looking_and_removing_stays(
    database: Database, finished: list[int]
) -> None:
    a, b, c, d = finished
    planned = plan(database, Retention(younger_than_s=1.0, newest=1))
    assert [one.id for one in planned.expired] == [c, b, a]
    transitions.rerun(database, runs.of_pipeline(database, c)[1].id)
    pipeline_table.annotate(database, b, name="demo", tags=["keep"], note="")
    pipelines.remove(database, a)
    num_lines = len(audit.page(database))
    assert remove_expired(database, planned) == []
    assert len(audit.page(database)) == num_lines
    assert [one.pipeline.id for one in pipelines.page(database)] == [d, c, b]


def test_a_run_that_is_claimed_while_its_pipeline_is_to_be_removed_is_done_or_gone_never_half(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    """Five times, a thread resumes and claims while another removes; one of them comes first."""
    for number in range(5):
        pipeline_id = finished_pipeline(database, artifacts, tmp_path, f"p{number}")
        age(database, pipeline_id, 40)
        evaluation = runs.of_pipeline(database, pipeline_id)[1]
        planned = plan(database, KEEP_30_DAYS)
        claimed: list[object] = []

        def start(run_id: int = evaluation.id, claimed: list[object] = claimed) -> None:
            try:
                transitions.rerun(database, run_id)
                claimed.append(transitions.claim(database, run_id, "host:1"))
            except NotFoundError:
                claimed.append(None)

        thread = threading.Thread(target=start)
        thread.start()
        removed = remove_expired(database, planned)
        thread.join()
        if removed:
            assert claimed == [None]
            assert runs.of_pipeline(database, pipeline_id) == []
        else:
            assert runs.get(database, evaluation.id).state is RunState.RUNNING
            transitions.request_stop(database, evaluation.id)
            transitions.acknowledge_stop(database, claimed[0])  # type: ignore[arg-type]
            pipelines.remove(database, pipeline_id)


class PausingStore(ArtifactStore):
    """Lets something happen at the worst moment: between a file's last look and its removal."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.about_to_remove = threading.Event()
        """The last look at a file's age is behind, its removal lies ahead."""
        self.go_on = threading.Event()
        delete = self.objects.delete

        def delete_later(name: str) -> None:
            if name.startswith("objects/"):
                self.about_to_remove.set()
                assert self.go_on.wait(20)
            delete(name)

        self.objects.delete = delete_later  # type: ignore[method-assign]


@pytest.fixture
def collecting(tmp_path: Path) -> Iterator[PausingStore]:
    """The same files as those of `artifacts`, in the hands of another process."""
    store = PausingStore(f"file://{tmp_path / 'artifacts'}")
    yield store
    store.go_on.set()


def test_the_same_artifact_stored_in_the_moment_of_its_removal_is_not_lost(
    database: Database, artifacts: ArtifactStore, collecting: PausingStore, tmp_path: Path
) -> None:
    """A new run makes what the removed one made, byte by byte, while its files are being removed."""
    old = finished_pipeline(database, artifacts, tmp_path, "old")
    again = submitted_pipeline(database, artifacts, "again")
    (adapter,) = references.of_run(database, runs.of_pipeline(database, old)[0].id).values()
    age(database, old, 40)
    pipelines.remove(database, old)
    long_ago(tmp_path / "artifacts")

    collection = threading.Thread(target=references.collect_garbage, args=(database, collecting))
    collection.start()
    assert collecting.about_to_remove.wait(20)  # its age was looked at: it is old, and goes
    claim = claim_of(database, runs.of_pipeline(database, again)[0].id)
    made: list[Address] = []

    def attach() -> None:
        made.append(artifacts.put_folder(tmp_path / "adapter-old"))
        references.attach(database, claim, "adapter", made[0])

    run = threading.Thread(target=attach)
    run.start()
    run.join(0.2)
    collecting.go_on.set()
    collection.join()
    run.join()

    assert made == [adapter]
    artifacts.fetch_folder(adapter.sha256, tmp_path / "whole")


def test_an_artifact_that_a_run_is_just_about_to_name_is_not_forgotten(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    """The run's transaction is open while all that nothing names is collected."""
    old = finished_pipeline(database, artifacts, tmp_path, "old")
    again = submitted_pipeline(database, artifacts, "again")
    (adapter,) = references.of_run(database, runs.of_pipeline(database, old)[0].id).values()
    run_id = runs.of_pipeline(database, again)[0].id
    age(database, old, 40)
    pipelines.remove(database, old)
    collection = threading.Thread(target=references.collect_garbage, args=(database, artifacts))

    def attach(session: Session) -> None:
        references.note(session, adapter)
        session.flush()
        collection.start()
        collection.join(0.3)  # it waits for this, or is through
        session.add(RunArtifact(run_id=run_id, role="adapter", sha256=adapter.sha256))

    database.write(attach)
    collection.join()
    assert references.get(database, adapter.sha256) == adapter
    artifacts.fetch_folder(adapter.sha256, tmp_path / "whole")


def test_stages_removed_meanwhile_can_not_be_evaluated_in_another_pipeline(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    first = finished_pipeline(database, artifacts, tmp_path)
    (trained,) = references.of_run(database, runs.of_pipeline(database, first)[0].id).values()
    pipelines.remove(database, first)
    references.collect_garbage(database, artifacts, grace_s=0)
    with pytest.raises(NotFoundError, match="has been removed meanwhile"):
        submitted_pipeline(database, artifacts, "again", trained.sha256)
    assert pipelines.page(database) == []


def test_stages_asked_for_again_are_kept_from_a_collection_at_the_same_moment(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    first = finished_pipeline(database, artifacts, tmp_path)
    (trained,) = references.of_run(database, runs.of_pipeline(database, first)[0].id).values()
    age(database, first, 40)
    pipelines.remove(database, first)
    long_ago(tmp_path / "artifacts")
    outcomes: list[str] = []

    def ask() -> None:
        try:
            submitted_pipeline(database, artifacts, "again", trained.sha256)
            outcomes.append("asked")
        except NotFoundError:
            outcomes.append("refused")

    asking = threading.Thread(target=ask)
    asking.start()
    references.collect_garbage(database, artifacts)
    asking.join()
    assert artifacts.contains(trained.sha256) == (outcomes == ["asked"])
