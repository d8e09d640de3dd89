"""Nothing outside the import folder can be imported."""

from pathlib import Path

import pytest

from app.ui.import_folder import importable, importable_data, importable_detectors, locate
from grice_core.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "import"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub" / "pairs.json").write_text("[]")
    (inside / ".hidden").write_text("")
    (tmp_path / "secret.json").write_text("[]")
    (inside / "link.json").symlink_to(tmp_path / "secret.json")
    return inside


def test_files_are_listed_without_hidden_ones_and_links_that_lead_out(folder: Path) -> None:
    assert importable(folder) == ["sub/pairs.json"]


def test_a_listed_file_is_found(folder: Path) -> None:
    assert locate(folder, "sub/pairs.json").read_text() == "[]"
    assert locate(folder, "sub", is_folder=True).is_dir()


@pytest.mark.parametrize("name", ["../secret.json", "link.json", "/etc/passwd", "nothing", "sub"])
def test_anything_else_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(DataError, match="is no file in the import folder"):
        locate(folder, name)


def test_folders_that_look_like_detectors_are_listed_without_what_lies_in_them(
    folder: Path,
) -> None:
    for name in ("judges/ours/detector.json", "judges/ours/encoder/config.json", "hub/config.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    (folder / "way out").symlink_to(folder.parent)

    assert importable_detectors(folder) == ["hub", "judges/ours"]


def test_folders_of_several_files_are_offered_as_one(folder: Path) -> None:
    for name in ("hub/data/train-00000-of-00002.parquet", "hub/data/train-00001-of-00002.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")

    names = importable_data(folder)

    assert names[:2] == ["hub/", "hub/data/"]
    assert names[-1] == "sub/pairs.json"
    assert "sub/" not in names


@pytest.mark.parametrize("target", ["secret.json", "."])
def test_a_folder_with_links_that_lead_out_is_refused(folder: Path, target: str) -> None:
    (folder / "sub" / "inner").symlink_to(folder.parent / target)

    with pytest.raises(DataError, match="links that lead out of the import folder"):
        locate(folder, "sub", is_folder=True)
