"""Scores on disk survive whatever kills the run."""

from pathlib import Path

import pytest

from grice_core.detector.journal import PairScores, ScoreJournal
from grice_core.errors import OutputError

FIRST = PairScores((0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8), cut=False)
SECOND = PairScores((1 / 3, 0.0, 1.0, 1e-300), (0.9, 0.9, 0.9, 0.9), cut=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "out.json.partial"
    with ScoreJournal(path, "work") as journal:
        journal.append({7: FIRST})
        journal.append({3: SECOND})
    return path


def taken_over(path: Path, key: str = "work") -> dict[int, PairScores]:
    with ScoreJournal(path, key) as journal:
        return journal.done


def test_the_same_work_finds_its_scores_to_the_last_bit(path: Path) -> None:
    assert taken_over(path) == {7: FIRST, 3: SECOND}


def test_other_work_starts_anew(path: Path) -> None:
    assert taken_over(path, "other work") == {}
    assert taken_over(path, "work") == {}


@pytest.mark.parametrize("lost", [1, 20, 60])
def test_a_line_that_was_cut_off_is_dropped_and_written_again(path: Path, lost: int) -> None:
    path.write_bytes(path.read_bytes()[:-lost])
    with ScoreJournal(path, "work") as journal:
        assert journal.done == {7: FIRST}
        journal.append({3: SECOND})
    assert taken_over(path) == {7: FIRST, 3: SECOND}


def test_a_journal_cut_off_in_its_first_line_is_no_trouble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5])
    assert taken_over(path) == {}


def test_two_runs_cannot_write_at_once(path: Path) -> None:
    with (
        ScoreJournal(path, "work"),
        pytest.raises(OutputError, match="being written by another run"),
        ScoreJournal(path, "work"),
    ):
        pass


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="nowhere/journal can't be written: No such file"),
        ScoreJournal(tmp_path / "nowhere" / "journal", "work"),
    ):
        pass
