"""All pipelines as rows of a table, and what people write on them."""

import pytest
from sqlalchemy import event

from grice_core.errors import InputError, NotFoundError
from grice_core.store import pipeline_table, pipelines, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunState
from tests.store.samples import claim_of, submitted_pipeline


def test_a_pipeline_is_one_row_with_what_its_runs_found(
    database: Database, artifacts: ArtifactStore
) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    (waiting,) = pipeline_table.rows(database)
    assert (waiting.states, waiting.began_at, waiting.verdict) == ({RunState.QUEUED}, None, None)

    for run in runs.of_pipeline(database, pipeline_id):
        found = {
            "verdict": {"state": "undecided", "sentence": "Undecided."},
            "percent": {"cooperative": {"baseline": 40, "stage1": 71.5, "stage2_final": 62.5}},
        }
        transitions.finish(database, claim_of(database, run.id), found if not run.stage else {})
    (row,) = pipeline_table.rows(database)
    assert (row.id, row.name, row.data, row.base, row.seed) == (1, "demo", "pairs.json", "gpt2", 0)
    assert (row.recipe, row.detector, row.prompts) == ("content-then-manner v1", "tiny", None)
    assert row.started_by == "ada"
    assert row.states == {RunState.SUCCEEDED}
    assert (row.verdict, row.cooperative) == ("undecided", 62.5)
    assert row.began_at is not None
    assert row.ended_at is not None
    assert row.ended_at >= row.began_at


def test_the_newest_come_first_with_as_many_queries_for_a_hundred_as_for_one(
    database: Database, artifacts: ArtifactStore
) -> None:
    counted: list[str] = []

    def count(*args: object) -> None:
        counted.append(str(args[2]))

    submitted_pipeline(database, artifacts)
    event.listen(database.engine, "before_cursor_execute", count)
    pipeline_table.rows(database)
    for_one, counted[:] = len(counted), []
    event.remove(database.engine, "before_cursor_execute", count)
    for number in range(99):
        submitted_pipeline(database, artifacts, key=f"key {number}")
    event.listen(database.engine, "before_cursor_execute", count)
    found = pipeline_table.rows(database)
    assert [row.id for row in found] == list(range(100, 0, -1))
    assert len(counted) == for_one
    event.remove(database.engine, "before_cursor_execute", count)


def test_name_tags_and_note_replace_those_before(
    database: Database, artifacts: ArtifactStore
) -> None:
    first = submitted_pipeline(database, artifacts)
    other = submitted_pipeline(database, artifacts, key="other")
    pipeline_table.annotate(database, first, name="a", tags=["paper", "beta"], note="looks odd")
    pipeline_table.annotate(
        database, first, name=" the  best ", tags=["paper", " paper ", ""], note="\n"
    )
    rows = {row.id: row for row in pipeline_table.rows(database)}
    assert (rows[first].name, rows[first].tags, rows[first].note) == ("the best", ("paper",), None)
    assert (rows[other].name, rows[other].tags) == ("demo", ())
    pipelines.remove(database, first)
    assert [row.id for row in pipeline_table.rows(database)] == [other]


def test_a_name_has_to_be_there_and_fit(database: Database, artifacts: ArtifactStore) -> None:
    pipeline_id = submitted_pipeline(database, artifacts)
    with pytest.raises(InputError, match="give the pipeline a name"):
        pipeline_table.annotate(database, pipeline_id, name=" ", tags=[], note="")
    with pytest.raises(InputError, match="has 201 characters; names and tags may have 200"):
        pipeline_table.annotate(database, pipeline_id, name="a", tags=["x" * 201], note="")
    with pytest.raises(NotFoundError, match="there is no pipeline 9"):
        pipeline_table.annotate(database, 9, name="a", tags=[], note="")


def test_the_stamp_changes_with_every_state_and_every_new_pipeline(
    database: Database, artifacts: ArtifactStore
) -> None:
    stamps = [pipeline_table.stamp(database)]
    pipeline_id = submitted_pipeline(database, artifacts)
    stamps.append(pipeline_table.stamp(database))
    claim_of(database, runs.of_pipeline(database, pipeline_id)[0].id)
    stamps.append(pipeline_table.stamp(database))
    assert len(set(stamps)) == 3
    assert pipeline_table.stamp(database) == stamps[-1]
