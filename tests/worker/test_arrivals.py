"""Archives from elsewhere: what their rows say of themselves is computed anew, or refused in one sentence."""

import hashlib
import json
import shutil
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.state.studio import Studio
from grice_core.data.columnar import read_pairs
from grice_core.errors import DataError
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.settings import Settings
from grice_core.store import data_sets, pipelines, recipes, runs
from grice_core.store.archive import export_pipeline, import_pipeline
from tests.app.pipelines import JOINT, Filler
from tests.app.samples import write_pairs_file
from worker.arrivals import checked


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that is done, as one file."""
    home = tmp_path_factory.mktemp("origin")
    studio = Studio.open(Settings(home=home))
    pipeline_id = Filler(studio, home, num_prompts=4).finished("joint", JOINT)
    export_pipeline(studio.database, studio.artifacts, pipeline_id, home / "demo.grice")
    return home / "demo.grice"


@pytest.fixture
def here(template: Path, tmp_path: Path) -> Studio:
    """Another installation."""
    shutil.copy(template, tmp_path / "grice.db")
    return Studio.open(Settings(home=tmp_path))


def taken_over(studio: Studio, archive: Path) -> int:
    check = partial(checked, studio.artifacts)
    return import_pipeline(studio.database, studio.artifacts, archive, check)


def changed(archive: Path, folder: Path, table: str, **changes: Any) -> Path:
    """The archive with other values in the rows of a table."""
    target = folder / "changed.grice"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "rows.jsonl":
                rows = [json.loads(line) for line in content.splitlines()]
                assert any(changes.keys() <= row.keys() for each, row in rows if each == table)
                rows = [[each, row | changes if each == table else row] for each, row in rows]
                content = "".join(json.dumps(row) + "\n" for row in rows).encode()
            new.writestr(name, content)
    return target


def test_a_data_set_that_claims_the_hash_of_another_file_is_not_taken_for_that_file(
    archive: Path, here: Studio, tmp_path: Path
) -> None:
    mine = write_pairs_file(tmp_path / "mine.json", 30)
    claim = hashlib.sha256(mine.read_bytes()).hexdigest()
    taken_over(here, changed(archive, tmp_path, "data_sets", sha256=claim))
    kept = Keeper(here.database, here.artifacts).keep_pairs(mine, "mine.json")
    assert (kept.name, kept.num_usable) == ("mine.json", 30)
    here.artifacts.fetch_file(kept.artifact_sha256, tmp_path / "kept.parquet")
    assert len(read_pairs(tmp_path / "kept.parquet")) == 30


def test_uploading_the_very_file_of_an_imported_data_set_gives_that_data_set(
    archive: Path, here: Studio, tmp_path: Path
) -> None:
    imported = pipelines.get(here.database, taken_over(here, archive)).data_set_id
    keeper = Keeper(here.database, here.artifacts)
    file = write_pairs_file(tmp_path / "scored.json")
    assert keeper.known(file) is None
    assert keeper.keep_pairs(file, "mine.json").id == imported
    known = keeper.known(file)
    assert known is not None
    assert (known.id, known.name) == (imported, "scored.json")


def test_an_imported_pipeline_finds_the_data_that_is_here_already(
    archive: Path, here: Studio, tmp_path: Path
) -> None:
    file = write_pairs_file(tmp_path / "scored.json")
    mine = Keeper(here.database, here.artifacts).keep_pairs(file, "mine.json")
    pipeline_id = taken_over(here, archive)
    assert pipelines.get(here.database, pipeline_id).data_set_id == mine.id
    assert len(data_sets.page(here.database)) == 2  # the pairs, and the prompts that came along


def test_counts_keys_and_digests_are_computed(archive: Path, here: Studio, tmp_path: Path) -> None:
    body = load_recipe("joint").model_dump(mode="json")
    mine = recipes.save(here.database, "joint", body)
    lied = changed(archive, tmp_path, "data_sets", num_usable=7, num_scored=9)
    (tmp_path / "again").mkdir()
    lied = changed(lied, tmp_path / "again", "runs", key="pipeline-of-another")
    honest = pipelines.get(here.database, taken_over(here, lied))
    assert honest.recipe_id == mine
    data_set = data_sets.get(here.database, honest.data_set_id)
    assert (data_set.num_usable, data_set.num_scored) == (400, 400)
    digest = honest.key.removeprefix("pipeline-")
    assert len(digest) == 64
    assert {run.key.split(":")[0] for run in runs.of_pipeline(here.database, honest.id)} == {digest}


def test_a_rounds_pairs_are_not_looked_for_under_the_number_that_they_had_elsewhere(
    archive: Path, here: Studio, tmp_path: Path
) -> None:
    came = changed(archive, tmp_path, "runs", result={"data_set_id": 1, "round": {"said": ["so"]}})
    for run in runs.of_pipeline(here.database, taken_over(here, came)):
        assert run.result == {"round": {"said": ["so"]}}


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("pipelines", {"spec": {"a": 1}}, "its pipeline can't be read"),
    ("pipelines", {"name": "x" * 201}, "which no database can keep"),
    ("pipelines", {"name": "a\0b"}, "which no database can keep"),
    ("pipelines", {"id": 2**70}, "which no database can keep"),
    ("runs", {"spec": {"a": 1}}, "of its runs can't be read"),
    ("runs", {"troubles": ["odd"]}, "of its runs can.t be read"),
    ("runs", {"troubles": {"loss": 3}}, "of its runs can't be read: loss"),
    ("runs", {"result": {"verdict": "met"}}, "of its runs can't be read: verdict"),
    ("runs", {"result": {"percent": {"cooperative": [1]}}}, "of its runs can't be read: percent"),
    ("runs", {"result": {"round": {"phase": {"name": "nap"}}}}, "can't be read: round.phase.name"),
    ("runs", {"result": {"steps": 2**70}}, "which no database can keep"),
    ("runs", {"stage": "stage9"}, "no stage 'stage9'"),
    ("recipes", {"body": {"stages": 3}}, "of its recipes can't be read"),
    ("data_sets", {"report": {"problems": [3]}}, "of its data_sets can't be read"),
    ("data_sets", {"artifact_sha256": "0" * 64}, "names a file that is not in it"),
    ("metrics", {"numbers": {"loss": "low"}}, "of its metrics can't be read: loss"),
    ("violations", {"score": 7.0}, "of its violations can't be read"),
]


@pytest.mark.parametrize(
    ("table", "changes", "message"), BROKEN, ids=[f"{t} {c}"[:50] for t, c, _ in BROKEN]
)
def test_a_row_that_no_page_could_show_is_refused_in_one_sentence(
    archive: Path,
    here: Studio,
    tmp_path: Path,
    table: str,
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message) as refused:
        taken_over(here, changed(archive, tmp_path, table, **changes))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
    assert pipelines.page(here.database) == []
