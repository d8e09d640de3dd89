from pathlib import Path

import pytest

from grice_core.data.fetching import check_allowed, fetch_into
from grice_core.data.load import load_pairs
from grice_core.errors import DataError
from tests.data.files import json_lines_file, pair

ALLOWED = ["hf://datasets/", "s3://ours"]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (
            " hf://datasets/trl-lib/tldr@main/data/train-* ",
            "hf://datasets/trl-lib/tldr@main/data/train-*",
        ),
        ("s3://ours/2026", "s3://ours/2026"),
        ("S3:/ours/2026", "s3://ours/2026"),
    ],
)
def test_addresses_that_begin_as_allowed(written: str, address: str) -> None:
    assert check_allowed(written, ALLOWED) == address


@pytest.mark.parametrize(
    "address",
    [
        "s3://ours-not/pairs.json",
        "s3://ours/../theirs/pairs.json",
        "s3://ours/%2e%2e/theirs/pairs.json",
        "s3://ours/a.zip::file:///etc/passwd",
        "zip://pairs.json::s3://ours/a.zip",
        "hf://models/owner/name",
        "file:///etc/passwd",
        "http://127.0.0.1:6379/",
        "/etc/passwd",
        "",
    ],
)
def test_all_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(DataError, match="begin"):
        check_allowed(address, ALLOWED)


def test_files_of_this_machine_are_refused_whatever_is_allowed() -> None:
    with pytest.raises(DataError, match="can't be read from here"):
        check_allowed("file:///etc/passwd", ["file:///"])


def test_a_file_is_copied(tmp_path: Path) -> None:
    there = json_lines_file(tmp_path, pair())
    (tmp_path / "here").mkdir()

    copy = fetch_into(tmp_path / "here", f"file://{there}")

    assert copy.parent == tmp_path / "here"
    assert load_pairs(copy).table.prompts == ["prompt 1"]


def test_shards_and_partitions_are_copied_in_their_folders(tmp_path: Path) -> None:
    for number, lang in enumerate(("de", "en"), start=1):
        (tmp_path / "there" / f"lang={lang}").mkdir(parents=True)
        json_lines_file(tmp_path / "there" / f"lang={lang}", pair(number))
    (tmp_path / "here").mkdir()

    copy = fetch_into(tmp_path / "here", f"file://{tmp_path / 'there'}")

    table = load_pairs(copy).table
    assert table.prompts == ["prompt 1", "prompt 2"]
    assert table.extras.column("lang").to_pylist() == ["de", "en"]
