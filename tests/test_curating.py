"""Pairs are excluded and restored in new versions; nothing is lost."""

from pathlib import Path

import pytest

from grice_core.curating import Curator, curation_of
from grice_core.data.columnar import read_pairs
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.errors import InputError
from grice_core.registry import Keeper
from grice_core.store import data_sets, references
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from grice_core.store.tables import DataSet
from tests.app.samples import write_pairs_file


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    engine = connect(f"sqlite:///{tmp_path}/grice.db")
    upgrade(engine)
    return Keeper(Database(engine), ArtifactStore(f"file://{tmp_path}/artifacts"))


@pytest.fixture
def whole(tmp_path: Path) -> PairTable:
    return load_pairs(write_pairs_file(tmp_path / "pairs.json", num=10)).table


@pytest.fixture
def original(keeper: Keeper, whole: PairTable, tmp_path: Path) -> DataSet:  # noqa: ARG001 - makes the file
    return keeper.keep_pairs(tmp_path / "pairs.json", "pairs.json")


def curator(keeper: Keeper, data_set: DataSet, whole: PairTable) -> Curator:
    return Curator(keeper.database, keeper.artifacts, data_set, whole)


def rows_of(keeper: Keeper, data_set: DataSet, folder: Path) -> list[int]:
    path = folder / f"{data_set.id}.parquet"
    keeper.artifacts.fetch_file(data_set.artifact_sha256, path)
    return read_pairs(path).rows.tolist()


def test_excluded_pairs_are_missing_in_the_next_version_which_says_why(
    keeper: Keeper, original: DataSet, whole: PairTable, tmp_path: Path
) -> None:
    second = curator(keeper, original, whole).exclude(
        dict.fromkeys([3, 5], "wrong way  round"), "ada"
    )
    assert second.name == "pairs v2.json"
    assert rows_of(keeper, second, tmp_path) == [1, 2, 4, 6, 7, 8, 9, 10]
    assert (second.num_rows, second.num_usable, second.num_scored) == (8, 8, 8)
    found = curation_of(second)
    assert (found.version, found.made_from) == (2, "pairs.json")
    assert found.reasons[3].reason == "wrong way round"
    assert found.reasons[5].by == "ada"
    assert data_sets.get(keeper.database, original.id).num_usable == 10  # it stays as it was


def test_versions_build_on_each_other_and_pairs_come_back(
    keeper: Keeper, original: DataSet, whole: PairTable, tmp_path: Path
) -> None:
    second = curator(keeper, original, whole).exclude(dict.fromkeys([3, 5], "odd"))
    third = curator(keeper, second, whole).exclude(dict.fromkeys([5, 7], "off topic"))
    assert (third.name, curation_of(third).made_from) == ("pairs v3.json", "pairs v2.json")
    assert rows_of(keeper, third, tmp_path) == [1, 2, 4, 6, 8, 9, 10]
    assert curation_of(third).reasons[5].reason == "odd"  # it was excluded for that already

    fourth = curator(keeper, third, whole).restore([3])
    assert rows_of(keeper, fourth, tmp_path) == [1, 2, 3, 4, 6, 8, 9, 10]
    assert curation_of(fourth).version == 4
    # With everything back it is the original, not a copy of it.
    assert curator(keeper, fourth, whole).restore([5, 7]).id == original.id


def test_the_same_exclusions_give_the_same_version(
    keeper: Keeper, original: DataSet, whole: PairTable
) -> None:
    second = curator(keeper, original, whole).exclude(dict.fromkeys([3], "odd"))
    assert curator(keeper, original, whole).exclude(dict.fromkeys([3], "odd")).id == second.id
    assert curator(keeper, original, whole).exclude(dict.fromkeys([3], "long")).id != second.id


def test_the_original_can_be_deleted_and_pairs_still_come_back(
    keeper: Keeper, original: DataSet, whole: PairTable, tmp_path: Path
) -> None:
    second = curator(keeper, original, whole).exclude(dict.fromkeys([3], "odd"))
    data_sets.remove(keeper.database, original.id)
    references.collect_garbage(keeper.database, keeper.artifacts, grace_s=0)
    assert keeper.artifacts.contains(original.artifact_sha256)
    again = curator(keeper, second, whole).restore([3])
    assert (again.name, again.sha256) == (original.name, original.sha256)
    assert rows_of(keeper, again, tmp_path) == list(range(1, 11))
    data_sets.remove(keeper.database, second.id)
    data_sets.remove(keeper.database, again.id)
    references.collect_garbage(keeper.database, keeper.artifacts, grace_s=0)
    assert not keeper.artifacts.contains(original.artifact_sha256)


def test_a_reason_is_needed_and_something_has_to_stay(
    keeper: Keeper, original: DataSet, whole: PairTable
) -> None:
    with pytest.raises(InputError, match="say why"):
        curator(keeper, original, whole).exclude(dict.fromkeys([3], " "))
    with pytest.raises(InputError, match="every pair would be excluded"):
        curator(keeper, original, whole).exclude(dict.fromkeys(range(1, 11), "all bad"))
    assert len(data_sets.page(keeper.database)) == 1


def test_errors_of_the_file_stay_in_the_report_and_warnings_are_found_anew(
    keeper: Keeper, tmp_path: Path
) -> None:
    import json

    rows = json.loads(write_pairs_file(tmp_path / "some.json", num=6).read_text())
    rows[0]["chosen"] = ""
    rows[2]["rejected"] = rows[2]["chosen"]
    (tmp_path / "some.json").write_text(json.dumps(rows))
    first = keeper.keep_pairs(tmp_path / "some.json", "some.json")
    whole = load_pairs(tmp_path / "some.json").table
    assert {one["code"] for one in first.report["problems"]} >= {"same_response"}
    second = curator(keeper, first, whole).exclude(dict.fromkeys([3], "the same twice"))
    codes = [one["code"] for one in second.report["problems"]]
    assert "same_response" not in codes
    assert len(codes) == 1  # the row without a response, which the file still has
    assert (second.num_rows, second.num_usable) == (5, 4)
