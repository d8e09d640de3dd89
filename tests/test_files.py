import json
import os
import random
import time
from itertools import count
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import save_file

from grice_core.files import atomic_folder, write_json_atomic, write_text_atomic
from tests.worker.processes import forked, kill_forked


def test_text_arrives_as_utf8(tmp_path: Path) -> None:
    write_text_atomic(tmp_path / "a.txt", "−5 points\n")

    assert (tmp_path / "a.txt").read_bytes() == "−5 points\n".encode()


def test_a_second_write_replaces_the_first_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"n": 1})
    write_json_atomic(tmp_path / "a.json", {"n": 2})

    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_json_cannot_say_leaves_the_old_file(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"n": 1})

    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_atomic(tmp_path / "a.json", {"n": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 1}


def test_a_failed_rename_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text_atomic(tmp_path / "a.txt", "old")

    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_text_atomic(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_others_may_read_the_file_as_the_umask_says(tmp_path: Path) -> None:
    (tmp_path / "usual.txt").write_text("")
    write_text_atomic(tmp_path / "atomic.txt", "")

    assert (tmp_path / "atomic.txt").stat().st_mode == (tmp_path / "usual.txt").stat().st_mode


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    with atomic_folder(tmp_path / "model") as folder:
        (folder / "new.txt").write_text("new")
        assert (tmp_path / "model" / "old.txt").exists()

    assert [path.name for path in tmp_path.rglob("*.txt")] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    def fill() -> None:
        with atomic_folder(tmp_path / "model") as folder:
            (folder / "half.txt").write_text("ha")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill()
    assert [path.name for path in tmp_path.rglob("*")] == ["model"]


def test_what_a_killed_process_left_of_a_folder_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".model.0123abcd").mkdir()
    (tmp_path / ".model.settings").mkdir()  # someone's own
    (tmp_path / ".model.12345678").touch()
    with atomic_folder(tmp_path / "model"):
        pass

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"model", ".model.settings", ".model.12345678"}


def test_a_folder_that_another_process_fills_is_not_cleared_away(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "model") as first:
        (first / "from").write_text("first")
        with atomic_folder(tmp_path / "model") as second:
            (second / "from").write_text("second")
    assert (tmp_path / "model" / "from").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_replaced_by_a_killed_process_is_the_old_one_or_the_new(
    tmp_path: Path,
) -> None:
    def replace_again_and_again() -> None:
        for turn in count():
            with atomic_folder(tmp_path / "model") as folder:
                for name in "ab":
                    (folder / name).write_text(str(turn))

    with atomic_folder(tmp_path / "model") as folder:
        for name in "ab":
            (folder / name).write_text("the first")
    draw = random.Random(0)
    for _ in range(20):
        child = forked(replace_again_and_again)
        time.sleep(draw.uniform(0, 0.01))
        kill_forked(child)
        a, b = ((tmp_path / "model" / name).read_text() for name in "ab")
        assert a == b


def test_files_of_a_folder_are_as_readable_as_the_process_makes_new_ones(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_folder(tmp_path / "made") as folder:
            save_file({"a": torch.ones(2)}, folder / "weights.safetensors")
            (folder / "inner").mkdir()
            (folder / "inner" / "note").write_text("a")
            (folder / "inner" / "note").chmod(0o600)
    finally:
        os.umask(before)
    for name in ("weights.safetensors", "inner/note"):
        assert (tmp_path / "made" / name).stat().st_mode & 0o777 == 0o640
