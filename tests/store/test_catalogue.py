"""Data sets, recipes, detectors and pipelines: once each, found again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from grice_core.errors import NotFoundError, TransitionError
from grice_core.store import data_sets, detectors, pipelines, recipes, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.data_sets import DataSetDraft
from grice_core.store.database import Database
from grice_core.store.states import RunKind, RunState
from tests.store.samples import claim_of, submitted_pipeline


@pytest.fixture
def draft(artifacts: ArtifactStore) -> DataSetDraft:
    pairs = artifacts.put_bytes(b"pairs")
    return DataSetDraft("pairs.json", "a" * 64, pairs, 3, 2, 1, {"problems": []})


def test_the_same_file_uploaded_twice_is_one_data_set(
    database: Database, draft: DataSetDraft
) -> None:
    first = data_sets.add(database, draft)
    assert data_sets.add(database, replace(draft, name="the same again.json")) == first
    assert [data_set.name for data_set in data_sets.page(database)] == ["pairs.json"]
    found = data_sets.with_content(database, "a" * 64)
    assert found is not None
    assert (found.id, found.num_rows, found.num_usable, found.num_scored) == (first, 3, 2, 1)
    assert data_sets.with_content(database, "b" * 64) is None


def test_a_data_set_can_be_renamed(database: Database, draft: DataSetDraft) -> None:
    data_set_id = data_sets.add(database, draft)
    data_sets.rename(database, data_set_id, "held-out prompts")
    assert data_sets.get(database, data_set_id).name == "held-out prompts"


def test_saving_a_recipe_again_makes_a_version_only_if_it_changed(database: Database) -> None:
    first = recipes.save(database, "mine", {"beta": 0.05, "epochs": 2})
    assert recipes.save(database, "mine", {"epochs": 2, "beta": 0.05}) == first
    second = recipes.save(database, "mine", {"beta": 0.03})
    other = recipes.save(database, "yours", {"beta": 0.05, "epochs": 2}, forked_from=first)
    assert [recipe.id for recipe in recipes.versions(database, "mine")] == [second, first]
    assert [recipe.id for recipe in recipes.newest(database)] == [second, other]
    assert recipes.get(database, second).version == 2
    assert recipes.get(database, other).forked_from == first


def test_versions_saved_at_the_same_moment_get_different_numbers(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda beta: recipes.save(database, "mine", {"beta": beta}), range(8)))
    numbers = [recipe.version for recipe in recipes.versions(database, "mine")]
    assert numbers == [8, 7, 6, 5, 4, 3, 2, 1]


def test_a_detector_is_kept_once(database: Database, artifacts: ArtifactStore) -> None:
    folder = artifacts.put_bytes(b"weights")
    first = detectors.add(database, "best_model_v2", folder, {"temperatures": [1.2, 1, 1, 1]})
    assert detectors.add(database, "again", folder, {}) == first
    assert [detector.id for detector in detectors.page(database)] == [first]
    assert detectors.get(database, first).card == {"temperatures": [1.2, 1, 1, 1]}


def test_submitting_a_pipeline_twice_gives_one_with_its_runs_once(
    database: Database, artifacts: ArtifactStore
) -> None:
    first = submitted_pipeline(database, artifacts)
    assert submitted_pipeline(database, artifacts) == first
    (summary,) = pipelines.page(database)
    assert [(run.kind, run.stage, run.state) for run in summary.runs] == [
        (RunKind.TRAIN, "stage1", RunState.QUEUED),
        (RunKind.EVALUATE, None, RunState.QUEUED),
    ]
    assert not summary.is_finished()


def test_pipelines_are_listed_newest_first_with_how_far_they_are(
    database: Database, artifacts: ArtifactStore
) -> None:
    first, second = (submitted_pipeline(database, artifacts, key) for key in ("a", "b"))
    for run in runs.of_pipeline(database, first):
        transitions.finish(database, claim_of(database, run.id), {"cooperative": run.id})
    newest, oldest = pipelines.page(database)
    assert (newest.pipeline.id, oldest.pipeline.id) == (second, first)
    assert oldest.is_finished()
    assert oldest.has_succeeded()
    assert not newest.has_succeeded()
    assert [older.pipeline.id for older in pipelines.page(database, before_id=second)] == [first]
    assert pipelines.latest_result(database) == {"cooperative": oldest.runs[-1].id}


def test_a_pipeline_with_a_running_run_can_not_be_removed(
    database: Database, artifacts: ArtifactStore
) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    claim_of(database, runs.of_pipeline(database, pipeline_id)[0].id)
    with pytest.raises(TransitionError, match="run 1 is running; stop it"):
        pipelines.remove(database, pipeline_id)


@pytest.mark.parametrize(
    ("get", "what"),
    [
        (data_sets.get, "data set"),
        (recipes.get, "recipe"),
        (detectors.get, "detector"),
        (pipelines.get, "pipeline"),
        (pipelines.remove, "pipeline"),
    ],
)
def test_what_is_not_there_is_named(database: Database, get, what: str) -> None:
    with pytest.raises(NotFoundError, match=f"there is no {what} 99"):
        get(database, 99)
