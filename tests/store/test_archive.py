"""A pipeline in one file: there, back, and broken in every way."""

import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grice_core.errors import ArtifactError, DataError, NotFoundError, TransitionError
from grice_core.maxims import Maxim
from grice_core.store import (
    detectors,
    generations,
    metrics,
    pipelines,
    recipes,
    references,
    runs,
    sampled_answers,
    votes,
)
from grice_core.store.archive import export_pipeline, import_pipeline
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.tables import JsonObject
from grice_core.store.votes import Ballot
from tests.store.samples import RECIPE, SAMPLED, finished_pipeline, submitted_pipeline
from tests.worker.processes import forked, kill_forked


@pytest.fixture
def archive(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> Path:
    """An archive of a pipeline, whose database has been emptied of it and of its recipe's name."""
    path = tmp_path / "demo.grice"
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    export_pipeline(database, artifacts, pipeline_id, path)
    pipelines.remove(database, pipeline_id)
    return path


def taken_over(database: Database, artifacts: ArtifactStore, archive: Path) -> int:
    """Imported with every row as it is: what their JSON has to be is tested where that is known."""
    return import_pipeline(database, artifacts, archive, check=list)


@pytest.fixture
def elsewhere(tmp_path: Path) -> ArtifactStore:
    """Another, empty artifact store."""
    return ArtifactStore(f"file://{tmp_path / 'elsewhere'}")


def test_a_pipeline_comes_back_with_everything(
    database: Database, archive: Path, elsewhere: ArtifactStore, tmp_path: Path
) -> None:
    submitted_pipeline(database, elsewhere, "in the way")  # so that every id is another one
    pipeline_id = taken_over(database, elsewhere, archive)
    training, evaluation = runs.of_pipeline(database, pipeline_id)
    assert [row.numbers["loss"] for row in metrics.since(database, training.id)] == pytest.approx(
        [0.6, 0.5, 0.4]
    )
    assert sampled_answers.of_run(database, training.id) == SAMPLED
    assert [run.id for run in runs.parents(database, evaluation.id)] == [training.id]
    assert evaluation.result == {"cooperative": 0.5}
    assert generations.violation_rates(database, evaluation.id)["stage1"][Maxim.MANNER] == (
        pytest.approx(1 / 3)
    )
    adapter = references.of_run(database, training.id)["adapter"]
    elsewhere.fetch_folder(adapter.sha256, tmp_path / "adapter")
    assert (tmp_path / "adapter" / "config.json").read_text() == '{"r": 16}'


def test_a_second_judge_comes_with_it(
    database: Database, artifacts: ArtifactStore, elsewhere: ArtifactStore, tmp_path: Path
) -> None:
    folder = artifacts.put_bytes(b"another detector")
    detectors.add(database, "other", folder, {})
    said: JsonObject = {"name": "other", "sha256": folder.sha256}
    pipeline_id = finished_pipeline(database, artifacts, tmp_path, second_judge=said)
    evaluation = runs.of_pipeline(database, pipeline_id)[-1].id
    votes.cast(database, Ballot(evaluation, 1, "ann", {"baseline": frozenset()}, 0.4))
    path = tmp_path / "judged-twice.grice"
    export_pipeline(database, artifacts, pipeline_id, path)
    pipelines.remove(database, pipeline_id)
    arrived = import_pipeline(database, elsewhere, path, check=list)
    assert pipelines.get(database, arrived).spec["second_judge"] == said
    assert elsewhere.read(folder.sha256) == b"another detector"
    evaluation = runs.of_pipeline(database, arrived)[-1].id
    rates = generations.violation_rates(database, evaluation, by_second=True)
    assert [each[Maxim.MANNER] for each in rates.values()] == [1, 1, 1]
    (picked,) = votes.picked(database, evaluation, ["baseline"])
    assert picked.relative_chance == 0.4


def test_importing_twice_gives_one_pipeline(
    database: Database, archive: Path, elsewhere: ArtifactStore
) -> None:
    first = taken_over(database, elsewhere, archive)
    assert taken_over(database, elsewhere, archive) == first
    assert len(pipelines.page(database)) == 1


def test_a_recipe_of_the_same_name_gets_the_next_version(
    database: Database, archive: Path, elsewhere: ArtifactStore
) -> None:
    def rename(name: str) -> Callable[[str], str]:
        return lambda rows: rows.replace('"name":"content-then-manner"', f'"name":"{name}"')

    recipes.save(database, "mine", {"stages": []})
    pipeline_id = taken_over(database, elsewhere, changed(archive, rename("mine")))
    pipeline = pipelines.get(database, pipeline_id)
    assert [recipe.version for recipe in recipes.versions(database, "mine")] == [2, 1]
    assert recipes.get(database, pipeline.recipe_id).version == 2


def test_what_is_here_already_is_used(
    database: Database, archive: Path, elsewhere: ArtifactStore
) -> None:
    pipeline_id = taken_over(database, elsewhere, archive)
    pipeline = pipelines.get(database, pipeline_id)
    assert pipeline.recipe_id == recipes.save(database, "content-then-manner", RECIPE)


def test_an_unfinished_pipeline_can_not_be_exported(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    with pytest.raises(TransitionError, match=r"run 1 of pipeline 1 is queued; wait for it"):
        export_pipeline(database, artifacts, pipeline_id, tmp_path / "a.grice")
    with pytest.raises(NotFoundError, match="no pipeline 99"):
        export_pipeline(database, artifacts, 99, tmp_path / "a.grice")


def test_a_missing_artifact_leaves_no_archive(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    victim = next(artifacts.stored())
    artifacts.objects.delete(victim.name)
    with pytest.raises(ArtifactError):
        export_pipeline(database, artifacts, pipeline_id, tmp_path / "a.grice")
    assert not (tmp_path / "a.grice").exists()


def changed(archive: Path, change: Callable[[str], str]) -> Path:
    """The archive with other rows."""
    target = archive.with_suffix(".changed")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == "rows.jsonl" else content)
    return target


def with_entry(archive: Path, name: str, content: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(archive, "a", method) as file:
        file.writestr(name, content)
    return archive


def truncated(archive: Path) -> Path:
    archive.write_bytes(archive.read_bytes()[:1000])
    return archive


def without_objects(archive: Path) -> Path:
    target = archive.with_suffix(".without")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in ("format", "rows.jsonl"):
            new.writestr(name, old.read(name))
    return target


def replaced(old: str, new: str) -> Callable[[Path], Path]:
    def change(rows: str) -> str:
        assert old in rows
        return rows.replace(old, new)

    return lambda archive: changed(archive, change)


def test_an_archive_from_before_a_column_came_is_taken(
    database: Database, archive: Path, elsewhere: ArtifactStore
) -> None:
    older = replaced(',"started_by":"ada","note":null', "")(archive)
    imported = pipelines.get(database, taken_over(database, elsewhere, older))
    assert (imported.started_by, imported.note) == (None, None)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (truncated, "is no archive of a pipeline"),
        (without_objects, "has no file objects/"),
        (lambda a: with_entry(a, "../../etc/passwd", b"x"), r"an entry '\.\./\.\./etc/passwd'"),
        (lambda a: with_entry(a, "/root/x", b"x"), "an entry '/root/x'"),
        (lambda a: with_entry(a, "objects/../x", b"x"), "an entry 'objects/../x'"),
        (lambda a: with_entry(a, f"objects/{'0' * 64}", b"x"), "has another content than its name"),
        (
            lambda a: with_entry(a, f"objects/{'0' * 64}", b"0" * 10**6, zipfile.ZIP_DEFLATED),
            "is compressed, which ours never are",
        ),
        (replaced('"state":"succeeded"', '"state":"running"'), "which can't be taken over"),
        (replaced('"state":"succeeded"', '"state":"done"'), "is 'done', which is no RunState"),
        (replaced('"num_rows":3', '"num_rows":"three"'), "is 'three', which is no int"),
        (replaced('"num_rows":3', '"nrows":3'), "has other columns than ours"),
        (replaced('["runs",', '["pg_user",'), "'pg_user'"),
        (replaced('["recipes",', '["recipes",0,'), "is no row"),
        (replaced('"recipe_id":1', '"recipe_id":7'), "refers to row 7 of recipes"),
        (replaced("{", "["), "is no archive of a pipeline"),
    ],
)
def test_a_broken_archive_gets_one_sentence_and_stores_no_row(
    database: Database,
    archive: Path,
    elsewhere: ArtifactStore,
    broken: Callable[[Path], Path],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        taken_over(database, elsewhere, broken(archive))
    assert pipelines.page(database) == []
    assert runs.page(database) == []


def test_a_file_that_is_not_there_is_named(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"nothing\.grice can't be read"):
        taken_over(database, artifacts, tmp_path / "nothing.grice")


NUM_KILLS = 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_that_is_killed_leaves_a_whole_archive_or_none(
    database: Database, artifacts: ArtifactStore, tmp_path: Path, elsewhere: ArtifactStore
) -> None:
    pipeline_id = finished_pipeline(database, artifacts, tmp_path)
    url, draw, path = str(database.engine.url), random.Random(0), tmp_path / "demo.grice"
    database.engine.dispose()  # no connection goes over into another process
    killed = 0
    while killed < NUM_KILLS:
        child = forked(lambda: export_pipeline(Database.at(url), artifacts, pipeline_id, path))
        time.sleep(draw.uniform(0, 0.03))
        killed += kill_forked(child)
        if path.exists():
            assert taken_over(database, elsewhere, path) == pipeline_id  # it is here already
            path.unlink()
    export_pipeline(database, artifacts, pipeline_id, path)
    pipelines.remove(database, pipeline_id)
    assert taken_over(database, elsewhere, path) > pipeline_id


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_import_that_is_killed_leaves_the_whole_pipeline_or_no_row(
    database: Database, archive: Path, elsewhere: ArtifactStore
) -> None:
    url, draw = str(database.engine.url), random.Random(0)
    database.engine.dispose()
    killed = 0
    while killed < NUM_KILLS:
        child = forked(lambda: taken_over(Database.at(url), elsewhere, archive))
        time.sleep(draw.uniform(0, 0.06))
        killed += kill_forked(child)
        for summary in pipelines.page(database):
            assert len(summary.runs) == 2
            assert len(metrics.since(database, summary.runs[0].id)) == 3
            pipelines.remove(database, summary.pipeline.id)
        database.engine.dispose()
    taken_over(database, elsewhere, archive)
    assert len(pipelines.page(database)) == 1
