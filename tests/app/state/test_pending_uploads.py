"""Files that wait for a decision lie on disk."""

from pathlib import Path

import pytest

from app.state import pending_uploads as pending
from app.state.reading import read_apart
from app.state.studio import Studio
from grice_core.data.fields import UnknownFieldsError
from grice_core.data.layouts.opening import Reading
from grice_core.data.load import LoadedPairs
from grice_core.settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own."""
    opened = Studio.open(Settings(home=tmp_path / "home"))
    monkeypatch.setattr(pending, "studio", lambda: opened)
    return tmp_path / "home"


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_a_file_is_kept_once_with_its_name_and_content(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.json", "[1]")
    first = pending.keep_pending(path)
    path.write_text("[2]")
    second = pending.keep_pending(path)
    again = pending.keep_pending(path)

    assert second == again
    assert {each.id for each in pending.pending_uploads()} == {first.id, second.id}
    assert first.path.read_text() == "[1]"
    assert second.name == "mine.json"


def test_what_was_half_written_is_not_seen(home: Path, tmp_path: Path) -> None:
    (home / "pending" / ".0123456789abcdef").mkdir(parents=True)
    assert pending.pending_uploads() == []
    pending.keep_pending(file(tmp_path, "mine.json", "[1]"))
    assert len(pending.pending_uploads()) == 1


def test_a_file_that_is_stored_at_last_takes_its_earlier_tries_along(tmp_path: Path) -> None:
    pending.keep_pending(file(tmp_path, "mine.json", "[1]"))
    other = pending.keep_pending(file(tmp_path, "other.json", "[2]"))
    pending.discard_by_name("mine.json")
    assert pending.pending_uploads() == [other]
    pending.discard_pending(other)
    pending.discard_pending(other)
    assert pending.pending_uploads() == []


def test_what_its_user_has_to_say_is_found_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_reads = 0

    def counted(path: Path, *, reading: Reading) -> LoadedPairs:
        nonlocal num_reads
        num_reads += 1
        return read_apart(path, reading=reading)

    monkeypatch.setattr(pending, "read_apart", counted)
    kept = pending.keep_pending(file(tmp_path, "own.json", '[{"ask": "When?"}]'))
    for _ in range(2):
        with pytest.raises(UnknownFieldsError, match="no field 'prompt'"):
            pending.read_pending(kept)
    assert num_reads == 1
