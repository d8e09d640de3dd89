"""A detector's folder is written whole or not at all."""

from pathlib import Path

import pytest

from grice_core.detector.folder import new_detector_folder
from grice_core.errors import OutputError
from tests.detector import tiny


def test_the_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    out = tmp_path / "a" / "detector"
    with new_detector_folder(out) as folder:
        (folder / "file").write_text("x")
        assert not out.exists()
    assert (out / "file").read_text() == "x"
    assert [path.name for path in out.parent.iterdir()] == ["detector"]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_detector_folder(tmp_path / "detector"):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_a_detector_in_the_way_is_replaced_only_when_told_so(tmp_path: Path) -> None:
    out = tiny.write_heads(tmp_path / "detector")
    with pytest.raises(OutputError, match="add --overwrite"), new_detector_folder(out):
        pass
    with new_detector_folder(out, overwrite=True) as folder:
        (folder / "new").write_text("x")
    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["detector"]


def test_something_else_in_the_way_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with (
        pytest.raises(OutputError, match="other than a detector"),
        new_detector_folder(tmp_path, overwrite=True),
    ):
        pass


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"), new_detector_folder(tmp_path / "file"):
        pass
