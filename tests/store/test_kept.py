"""What is kept between runs: bounded, and never a reason to fail."""

import logging
import os
import zlib
from pathlib import Path

import pytest

from grice_core.kept import NothingKept, key_of
from grice_core.settings import settings
from grice_core.store.kept import KeptWork, kept_work
from grice_core.store.objects import ObjectStore

ENTRIES = [{"place": 0, "response": "naïve\n\ud83d"}, {"place": 1, "response": ""}]


def work(folder: Path, most_bytes: int = 1 << 20) -> KeptWork:
    return KeptWork(ObjectStore(f"file://{folder}"), most_bytes)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_found_by_its_key_alone(tmp_path: Path) -> None:
    work(tmp_path).keep("a-1", ENTRIES)
    assert work(tmp_path).find("a-1") == ENTRIES
    assert work(tmp_path).find("a-2") == []
    assert work(tmp_path).size().num_files == 1


def test_a_key_is_of_all_parts_and_their_bounds() -> None:
    keys = [key_of("x", parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"])]
    assert len({*keys, key_of("y", ["abc"])}) == 5
    assert key_of("x", ["abc"]) == keys[2]


@pytest.mark.parametrize(
    "content", [b"", b"something else", b"x\x9c\xed\xbdcut off", zlib.compress(b"{")]
)
def test_what_is_damaged_is_not_there(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    work(tmp_path).keep("a", ENTRIES)
    files(tmp_path)[0].write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert work(tmp_path).find("a") == []
    assert "can't be read" in caplog.text
    work(tmp_path).keep("a", ENTRIES)
    assert work(tmp_path).find("a") == ENTRIES


def test_where_nothing_can_be_written_nothing_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder belongs")
    with caplog.at_level(logging.WARNING):
        work(tmp_path).keep("a", ENTRIES)
    assert "can't be kept" in caplog.text
    assert work(tmp_path).find("a") == []


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    texts = {key: [{"text": os.urandom(2000).hex()}] for key in "abcd"}
    for key in "abc":
        work(tmp_path).keep(key, texts[key])
    size = work(tmp_path).size().size_bytes
    for age_h, path in zip((4, 3, 2), files(tmp_path), strict=True):
        long_ago = path.stat().st_mtime - 3600 * age_h
        os.utime(path, (long_ago, long_ago))
    assert work(tmp_path).find("a")  # used again just now
    room = size + 100  # for three of them
    work(tmp_path, room).keep("d", texts["d"])
    assert {key: bool(work(tmp_path).find(key)) for key in "abcd"} == {
        "a": True,
        "b": False,
        "c": True,
        "d": True,
    }
    assert work(tmp_path).size().size_bytes <= room


def test_one_that_is_larger_than_all_room_leaves_the_others(tmp_path: Path) -> None:
    work(tmp_path).keep("a", ENTRIES)
    work(tmp_path, 1000).keep("b", [{"text": os.urandom(4000).hex()}])
    assert work(tmp_path).find("a")
    assert not work(tmp_path).find("b")


@pytest.mark.parametrize(("most_mib", "kind"), [("0", NothingKept), ("8", KeptWork)])
def test_the_environment_says_how_much(
    most_mib: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRICE_HOME", str(tmp_path))
    monkeypatch.setenv("GRICE_KEPT_MIB", most_mib)
    settings.cache_clear()
    try:
        kept = kept_work()
        kept.keep("a", ENTRIES)
    finally:
        settings.cache_clear()
    assert isinstance(kept, kind)
    assert bool(files(tmp_path)) == (kind is KeptWork)
