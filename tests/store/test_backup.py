"""Backups: of both databases, while others write, killed at any moment, and brought back."""

import os
import random
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from grice_core.errors import DataError, InputError, OutputError
from grice_core.store import metrics, pipelines, references, runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.backup import back_up, restore, verify
from grice_core.store.database import Database
from grice_core.store.metrics import MetricRow
from grice_core.store.tables import Base, Run
from tests.store.samples import claim_of, finished_pipeline, queued
from tests.worker.processes import forked, kill_forked

NUM_KILLS = 20


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that a database holds."""
    with database.engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
        }


def files_of(artifacts: ArtifactStore) -> dict[str, int]:
    return {file.name: file.size_bytes for file in artifacts.stored()}


def test_what_is_restored_is_what_was_backed_up(
    database: Database, artifacts: ArtifactStore, tmp_path: Path, empty_url: str
) -> None:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    gone = queued(database, "gone")
    database.write(lambda session: session.delete(session.get_one(Run, gone)))
    made = back_up(database, artifacts, tmp_path / "backup")
    assert (made.num_pipelines, made.num_runs, made.missing) == (1, 2, ())
    assert verify(tmp_path / "backup") == made
    elsewhere = ArtifactStore(f"file://{tmp_path / 'elsewhere'}")
    restore(tmp_path / "backup", empty_url, elsewhere)
    restored = Database.at(empty_url)
    assert rows_of(restored) == rows_of(database)
    assert files_of(elsewhere) == files_of(artifacts)
    training, _ = runs.of_pipeline(restored, pipeline_id)
    adapter = references.of_run(restored, training.id)["adapter"]
    elsewhere.fetch_folder(adapter.sha256, tmp_path / "adapter")
    assert queued(restored, "new") == gone + 1  # no number is given twice
    restored.engine.dispose()


def test_a_second_backup_adds_what_is_new_and_removes_what_is_gone(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    first = finished_pipeline(database, artifacts, tmp_path)
    folder = tmp_path / "backup"
    back_up(database, artifacts, folder)
    own = ArtifactStore(f"file://{folder / 'artifacts'}")
    finished_pipeline(database, artifacts, tmp_path, "second")
    again = back_up(database, artifacts, folder)
    assert again.num_pipelines == 2
    assert files_of(own) == files_of(artifacts)
    pipelines.remove(database, first)
    references.collect_garbage(database, artifacts, grace_s=-1)
    back_up(database, artifacts, folder)
    assert files_of(own) == files_of(artifacts)
    assert verify(folder).num_pipelines == 1
    assert len(list(folder.glob("database-*"))) == 1


def test_a_damaged_backup_is_not_taken_for_a_whole_one(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    folder = tmp_path / "backup"
    made = back_up(database, artifacts, folder)
    own = ArtifactStore(f"file://{folder / 'artifacts'}")
    victim = folder / "artifacts" / max(own.stored(), key=lambda file: file.size_bytes).name
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + b"!")
    with pytest.raises(DataError, match=r"1 files of .* are missing or damaged"):
        verify(folder)
    victim.unlink()
    with pytest.raises(DataError, match=r"1 files of .* are missing or damaged"):
        verify(folder)
    assert back_up(database, artifacts, folder).num_files == made.num_files
    copy = folder / verify(folder).database
    copy.write_bytes(copy.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match="make the backup again"):
        verify(folder)


def test_a_file_that_is_missing_already_is_named_and_the_rest_is_kept(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    victim = max(artifacts.stored(), key=lambda file: file.size_bytes)
    artifacts.objects.delete(victim.name)
    made = back_up(database, artifacts, tmp_path / "backup")
    assert [victim.name[-64:]] == list(made.missing)
    assert verify(tmp_path / "backup") == made


def test_only_an_empty_installation_is_restored_into(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    back_up(database, artifacts, tmp_path / "backup")
    url = database.engine.url.render_as_string(hide_password=False)
    before = rows_of(database)
    with pytest.raises(InputError, match="the database holds something already"):
        restore(tmp_path / "backup", url, artifacts)
    assert rows_of(database) == before
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").touch()
    with pytest.raises(OutputError, match=r"holds 1\.jpg"):
        back_up(database, artifacts, tmp_path / "photos")
    with pytest.raises(DataError, match="holds no whole backup"):
        restore(tmp_path / "photos", url, artifacts)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_that_is_killed_while_others_write_leaves_the_one_before(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    folder, url = tmp_path / "backup", str(database.engine.url)
    last = back_up(database, artifacts, folder)
    draw, killed = random.Random(0), 0
    run_id = queued(database)
    database.engine.dispose()  # no connection goes over into another process
    writer = forked(lambda: write_on(url, artifacts.objects.url, run_id))
    try:
        while killed < NUM_KILLS:
            child = forked(
                lambda: back_up(Database.at(url), ArtifactStore(artifacts.objects.url), folder)
            )
            time.sleep(draw.uniform(0, 0.2))
            killed += kill_forked(child)
            now = verify(folder)
            assert now.created_at >= last.created_at
            last = now
    finally:
        kill_forked(writer)
    back_up(database, artifacts, folder)
    new_url = f"sqlite:///{tmp_path / 'restored.db'}"
    restore(folder, new_url, ArtifactStore(f"file://{tmp_path / 'restored'}"))
    restored = Database.at(new_url)
    steps = [row.step for row in metrics.since(restored, run_id)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) == runs.get(restored, run_id).step > 0
    restored.engine.dispose()


@pytest.mark.stack
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_restore_that_is_killed_is_called_again(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    finished_pipeline(database, artifacts, tmp_path)
    back_up(database, artifacts, tmp_path / "backup")
    before, draw, killed = rows_of(database), random.Random(0), 0
    database.engine.dispose()
    for attempt in count():
        url = f"sqlite:///{tmp_path / f'restored-{killed}.db'}"
        elsewhere = ArtifactStore(f"file://{tmp_path / f'restored-{killed}'}")
        child = forked(lambda to=(url, elsewhere): restore(tmp_path / "backup", *to))
        time.sleep(draw.uniform(0, 0.6))
        killed += kill_forked(child)
        assert attempt < 10 * NUM_KILLS
        with suppress(InputError):  # it had come to its end
            restore(tmp_path / "backup", url, elsewhere)
        restored = Database.at(url)
        assert rows_of(restored) == before
        restored.engine.dispose()
        if killed == NUM_KILLS:
            break


def write_on(url: str, artifacts_url: str, run_id: int) -> None:
    """What a training and others do meanwhile, until it is killed."""
    database, artifacts = Database.at(url), ArtifactStore(artifacts_url)
    claim = claim_of(database, run_id)
    for step in count(1):
        metrics.record(database, claim, [MetricRow(step, {"loss": 0.5})], num_steps=10**6)
        artifacts.put_bytes(os.urandom(10_000))
        time.sleep(0.01)
