import shutil

from grice_core.journal import Journal
from grice_core.store import submission, transitions
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.references import Collected
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft
from worker.workspace import Workspace, leftovers, remove_leftovers


def claim(attempt, begun_anew=0):
    return Claim(7, "a worker", attempt, token=attempt, round=begun_anew)


def begun(home, attempt=1, built_on="parent"):
    """An attempt's folder with a checkpoint in it."""
    space = Workspace.open(home, claim(attempt), built_on)
    (space.state / "checkpoint").write_text("step 50")
    return space


def share(state):
    """Stands for what an attempt elsewhere has shared."""
    state.mkdir()
    (state / "built_on").write_text("parent")
    (state / "checkpoint").write_text("step 100")


def test_an_attempt_takes_over_what_the_one_before_left(tmp_path):
    first = begun(tmp_path)
    second = Workspace.open(tmp_path, claim(2), "parent", share)
    assert (second.state / "checkpoint").read_text() == "step 50"
    assert not first.path.exists()  # a process that still believes in it can't write any more


def test_nothing_is_taken_over_when_what_the_run_builds_on_has_changed(tmp_path):
    begun(tmp_path, built_on="old parent")
    second = Workspace.open(tmp_path, claim(2), "new parent")
    assert not (second.state / "checkpoint").exists()


def test_an_attempt_in_another_home_takes_over_what_was_shared(tmp_path):
    second = Workspace.open(tmp_path, claim(2), "parent", share)
    assert (second.state / "checkpoint").read_text() == "step 100"


def test_what_was_shared_replaces_what_an_older_attempt_left_here(tmp_path):
    begun(tmp_path)
    third = Workspace.open(tmp_path, claim(3), "parent", share)
    assert (third.state / "checkpoint").read_text() == "step 100"


def test_what_an_older_attempt_left_here_is_better_than_nothing(tmp_path):
    begun(tmp_path)
    third = Workspace.open(tmp_path, claim(3), "parent")
    assert (third.state / "checkpoint").read_text() == "step 50"


def test_what_was_shared_is_not_taken_when_what_the_run_builds_on_has_changed(tmp_path):
    second = Workspace.open(tmp_path, claim(2), "new parent", share)
    assert not (second.state / "checkpoint").exists()


def test_a_run_that_is_begun_anew_starts_with_an_empty_folder(tmp_path):
    first = begun(tmp_path)
    second = Workspace.open(tmp_path, claim(2, begun_anew=1), "parent")
    assert not (second.state / "checkpoint").exists()
    assert not first.path.exists()


def test_opening_the_same_attempts_folder_twice_keeps_it(tmp_path):
    Workspace.open(tmp_path, claim(1), "parent").out.mkdir()
    assert Workspace.open(tmp_path, claim(1), "parent").out.is_dir()


def test_removing_leaves_nothing_of_the_run(tmp_path):
    Workspace.open(tmp_path, claim(1), "parent").remove()
    assert list((tmp_path / "work").iterdir()) == []


def test_what_is_left_of_runs_that_are_done_goes(tmp_path, template):
    database = Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")
    done, begun_elsewhere = (
        submission.submit_run(database, RunDraft(key, RunKind.TRAIN, {})) for key in "ab"
    )
    transitions.finish(database, transitions.claim(database, done, "another worker"))
    for run_id in (done, begun_elsewhere, 99):
        folder = tmp_path / "work" / str(run_id) / "0"
        folder.mkdir(parents=True)
        (folder / "checkpoint").write_text("step 50")
    assert remove_leftovers(database, tmp_path) == Collected(0, 0)  # too young
    assert leftovers(database, tmp_path, grace_s=0) == Collected(2, 14)
    assert remove_leftovers(database, tmp_path, grace_s=0) == Collected(2, 14)
    assert leftovers(database, tmp_path, grace_s=0) == Collected(0, 0)
    assert [folder.name for folder in (tmp_path / "work").iterdir()] == [str(begun_elsewhere)]
    database.engine.dispose()


def test_what_killed_processes_left_goes_once_it_is_old(tmp_path, template):
    database = Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")
    for left in ("tmp/playground-ab12/adapter", "work/.7.0123abcd/0"):
        (tmp_path / left).mkdir(parents=True)
        (tmp_path / left / "weights").write_text("1234567")
    assert remove_leftovers(database, tmp_path) == Collected(0, 0)  # too young
    assert remove_leftovers(database, tmp_path, grace_s=0) == Collected(2, 14)
    assert [*(tmp_path / "tmp").iterdir(), *(tmp_path / "work").iterdir()] == []
    database.engine.dispose()


class Answers(Journal):
    """The kind of file that a run of hours holds open."""

    def take(self, entry):
        """What it holds is not asked for."""


def test_what_a_frozen_owner_holds_open_is_the_new_attempts_alone(tmp_path):
    first = begun(tmp_path)
    with Answers(first.state / "answers", "key") as held:
        held.write([{"place": 1}])
        second = Workspace.open(tmp_path, claim(2), "parent", share)
        with Answers(
            second.state / "answers", "key"
        ) as now:  # which nothing keeps from being opened
            held.write([{"place": 2}])  # the owner of before wakes up
            now.write([{"place": 3}])
    lines = (second.state / "answers").read_text().splitlines()
    assert lines == ['{"key": "key"}', '{"place": 1}', '{"place": 3}']
