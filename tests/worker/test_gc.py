"""`grice gc`: files that no one needs, and old pipelines by rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from grice_core.errors import InputError
from grice_core.settings import settings
from grice_core.store import migrate, pipelines
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from tests.store.samples import age, finished_pipeline, long_ago
from worker.cli import garbage


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A home with a pipeline that ended 40 days ago, and one of today."""
    monkeypatch.setenv("GRICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    database = migrate.opened(settings().database_url)
    artifacts = ArtifactStore(settings().artifacts_url)
    old = finished_pipeline(database, artifacts, tmp_path, "old")
    age(database, old, 40)
    scratch = settings().home / "work" / "1" / "0"
    scratch.mkdir(parents=True)
    (scratch / "log").write_text("step 1")
    yield database
    settings.cache_clear()


def gc(*arguments: str, answer: str | None = None) -> str:
    app = typer.Typer()
    app.callback()(lambda: None)
    garbage.register(app)
    result = CliRunner().invoke(app, ["gc", *arguments], input=answer)
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.output


def num_pipelines(database: Database) -> int:
    return len(pipelines.page(database))


def test_looking_first_then_removing(database: Database) -> None:
    long_ago(settings().home / "artifacts")
    said = gc("--keep", "30d", "--dry-run")
    assert "would remove 1 pipelines; none is kept" in said
    assert "demo" in said
    assert "ada" in said
    assert "would remove 3 files, 0.0 MB" in said
    assert num_pipelines(database) == 1

    assert "Aborted" in gc("--keep", "30d", answer="n\n")
    assert num_pipelines(database) == 1
    assert "removed 3 files" in gc("--keep", "30d", answer="y\n")
    assert num_pipelines(database) == 0


def test_what_rules_keep_stays(database: Database) -> None:
    assert "kept: 1 young enough" in gc("--keep", "60d", "--yes")
    assert "kept: 1 among the newest" in gc("--keep", "30d", "--keep", "last:20", "--yes")
    assert num_pipelines(database) == 1


def test_without_rules_no_pipeline_goes(database: Database) -> None:
    long_ago(settings().home / "artifacts")
    artifacts = ArtifactStore(settings().artifacts_url)
    stray = artifacts.put_bytes(b"no one needs me")
    long_ago(settings().home / "artifacts")
    assert "would remove 1 files" in gc("--dry-run")
    assert artifacts.contains(stray.sha256)
    assert "removed 1 files" in gc()
    assert not artifacts.contains(stray.sha256)
    assert "no files to remove" in gc()
    assert num_pipelines(database) == 1


@pytest.mark.usefixtures("database")
def test_a_mistyped_rule_removes_nothing() -> None:
    with pytest.raises(InputError, match="'30' is no rule"):
        gc("--keep", "30", "--yes")


def test_what_is_kept_for_later_runs_is_seen_and_can_be_forgotten(database: Database) -> None:
    assert "kept for later" not in gc()
    work = KeptWork(ObjectStore(settings().artifacts_url), 1 << 20)
    work.keep("answers-1", [{"response": "yes"}])
    work.keep("scores-1", [{"scores": [0.1]}])
    assert "kept for later runs: 2 files of answers, scores and stages" in gc()
    assert "would remove 2 files of answers, scores and stages" in gc("--forget-kept", "--dry-run")
    assert work.find("answers-1")
    assert "removed, of what was kept for later runs: 2 files" in gc("--forget-kept")
    assert not work.find("answers-1")
    assert num_pipelines(database) == 1
