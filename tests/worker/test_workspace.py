from grice_core.store.claims import Claim
from worker.workspace import Workspace


def claim(attempt, begun_anew=0):
    return Claim(7, "a worker", attempt, token=attempt, round=begun_anew)


def test_an_attempt_takes_over_what_the_one_before_left(tmp_path):
    first = Workspace.open(tmp_path, claim(1), "parent")
    (first.path / "checkpoint").write_text("step 50")
    second = Workspace.open(tmp_path, claim(2), "parent")
    assert (second.path / "checkpoint").read_text() == "step 50"
    assert not first.path.exists()  # a process that still believes in it can't write any more


def test_nothing_is_taken_over_when_what_the_run_builds_on_has_changed(tmp_path):
    first = Workspace.open(tmp_path, claim(1), "old parent")
    (first.path / "checkpoint").write_text("step 50")
    second = Workspace.open(tmp_path, claim(2), "new parent")
    assert not (second.path / "checkpoint").exists()


def test_a_run_that_is_begun_anew_starts_with_an_empty_folder(tmp_path):
    first = Workspace.open(tmp_path, claim(1), "parent")
    (first.path / "checkpoint").write_text("step 50")
    second = Workspace.open(tmp_path, claim(2, begun_anew=1), "parent")
    assert not (second.path / "checkpoint").exists()
    assert not first.path.exists()


def test_opening_the_same_attempts_folder_twice_keeps_it(tmp_path):
    Workspace.open(tmp_path, claim(1), "parent").out.mkdir()
    assert Workspace.open(tmp_path, claim(1), "parent").out.is_dir()


def test_removing_leaves_nothing_of_the_run(tmp_path):
    Workspace.open(tmp_path, claim(1), "parent").remove()
    assert list((tmp_path / "work").iterdir()) == []
