"""Checkpoints that continue elsewhere."""

import pytest

from grice_core.store import references
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.claims import Claim
from worker.roles import CHECKPOINT
from worker.sharing import CheckpointWatch, Sharing
from worker.workspace import Workspace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Shared:
    """Stands for the store: counts what it is given."""

    def __init__(self, needed=True):
        self.needed, self.states = needed, []

    def is_needed(self):
        return self.needed

    def put(self, workspace):
        self.states.append(sorted(path.name for path in workspace.out.rglob("step-*")))


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path, Claim(7, "a worker", 1, token=1, round=0), "parent")


@pytest.fixture
def checkpoints(workspace):
    return workspace.out / "stage1" / "checkpoints"


def test_each_checkpoint_is_shared_once_and_not_too_often(workspace, checkpoints):
    shared, clock = Shared(), Clock()
    watch = CheckpointWatch(shared, workspace, checkpoints, clock)
    watch.look()
    assert shared.states == []
    (checkpoints / "step-00000050").mkdir(parents=True)
    watch.look()
    watch.look()
    assert shared.states == [["step-00000050"]]
    (checkpoints / "step-00000100").mkdir()
    watch.look()
    assert len(shared.states) == 1
    clock.now = 601
    watch.look()
    assert len(shared.states) == 2


def test_the_last_one_is_shared_however_soon_it_comes(workspace, checkpoints):
    shared = Shared()
    watch = CheckpointWatch(shared, workspace, checkpoints, Clock())
    for name in ("step-00000050", "step-00000063"):
        (checkpoints / name).mkdir(parents=True)
        watch.share()
    assert len(shared.states) == 2


def test_workers_that_share_their_home_need_no_copies(workspace, checkpoints):
    shared = Shared(needed=False)
    (checkpoints / "step-00000050").mkdir(parents=True)
    CheckpointWatch(shared, workspace, checkpoints).share()
    assert shared.states == []


def test_copies_are_needed_where_the_artifacts_lie_outside_the_home(tmp_path):
    claim = Claim(7, "a worker", 1, token=1, round=0)

    def is_needed(url):
        return Sharing(None, ArtifactStore(url), claim, tmp_path / "home").is_needed()

    assert not is_needed(f"file://{tmp_path}/home/artifacts")
    assert is_needed(f"file://{tmp_path}/artifacts")
    assert is_needed("memory://artifacts")


def test_a_shared_checkpoint_that_is_damaged_is_passed_over(tmp_path, monkeypatch, capsys):
    artifacts = ArtifactStore(f"file://{tmp_path}/artifacts")
    lost = artifacts.put_bytes(b"no folder")
    monkeypatch.setattr(references, "of_run", lambda *_: {CHECKPOINT: lost})
    claim = Claim(7, "a worker", 2, token=2, round=0)
    Sharing(None, artifacts, claim, tmp_path / "home").fetch(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    assert "passed over" in capsys.readouterr().out
