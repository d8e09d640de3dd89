"""A file's name comes from a stranger's browser."""

import pytest

from app.ui.uploads import file_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("pairs.json", "pairs.json"),
        ("C:\\data\\pairs.json", "pairs.json"),
        ("../../etc/passwd", "passwd"),
        ("..", "upload"),
        ("", "upload"),
        ("/", "upload"),
        ("pa\0irs.json", "pairs.json"),
        ("**bold** .csv", "**bold** .csv"),
    ],
)
def test_a_name_leads_nowhere_else(given: str, kept: str) -> None:
    assert file_name(given) == kept


def test_of_a_name_that_is_too_long_the_end_is_kept_which_tells_the_format() -> None:
    kept = file_name("猫" * 250 + ".jsonl.gz")

    assert kept.endswith("猫.jsonl.gz")
    assert len(kept.encode()) <= 200
