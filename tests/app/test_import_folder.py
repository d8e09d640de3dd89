"""Nothing outside the import folder can be imported."""

from pathlib import Path

import pytest

from app.import_folder import importable, locate
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
