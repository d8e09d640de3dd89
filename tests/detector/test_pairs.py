"""Unscored pairs turned into scored ones."""

import multiprocessing
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from grice_core.data.pairs import PairTable
from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs, seen_responses
from grice_core.detector.score import NetworkDetector
from grice_core.detector.seen import text_hash
from grice_core.detector.seen_nearly import SeenShingles
from grice_core.detector.template import JudgedText
from tests.detector import killable, tiny


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = tiny.write_heads(tmp_path_factory.mktemp("detector"))
    return load_detector(folder, torch.device("cpu"), "fp32")


def table_of(num_pairs: int) -> PairTable:
    """Pairs of which every third is scored already, with 0.25 everywhere."""
    scores = np.full((num_pairs, 4), np.nan)
    scores[::3] = 0.25
    texts = {
        "prompt": ["where do cats sleep ?"] * num_pairs,
        "chosen": ["on the mat " * (1 + i % 5) for i in range(num_pairs)],
        "rejected": ["yes " * (1 + i % 70) for i in range(num_pairs)],
    }
    rows = np.arange(1, num_pairs + 1)
    extras = pa.table({"id": rows})
    return PairTable(pa.table(texts), scores, scores.copy(), rows, extras)


def test_scored_pairs_are_left_alone(detector: Detector, tmp_path: Path) -> None:
    scored = score_pairs(detector, table_of(10), tmp_path / "journal")
    assert scored.num_scored == 6
    assert scored.table.scored.all()
    assert (scored.table.chosen_scores[::3] == 0.25).all()
    assert scored.table.extras.column("id").to_pylist() == list(range(1, 11))


def test_all_pairs_are_scored_when_told_so(detector: Detector, tmp_path: Path) -> None:
    table = table_of(10)
    scored = score_pairs(detector, table, tmp_path / "journal", rescore=True)
    assert scored.num_scored == 10
    expected = detector.score(table.prompts, table.chosen)
    np.testing.assert_allclose(scored.table.chosen_scores, expected, atol=1e-5)
    expected = detector.score(table.prompts, table.rejected)
    np.testing.assert_allclose(scored.table.rejected_scores, expected, atol=1e-5)


def test_responses_too_long_to_read_are_counted(detector: Detector, tmp_path: Path) -> None:
    table = table_of(70).take(np.array([1, 68]))  # rejected responses of 2 and 69 words
    assert score_pairs(detector, table, tmp_path / "journal", rescore=True).num_cut == 1


def test_a_stopped_run_goes_on_where_it_was(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NetworkDetector, "window_pairs", 2)
    table = table_of(10)
    whole = score_pairs(detector, table, tmp_path / "undisturbed")

    def kill_at_four(_task: str, done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_pairs(detector, table, tmp_path / "journal", progress=kill_at_four)
    seen: list[int] = []
    again = score_pairs(
        detector,
        table,
        tmp_path / "journal",
        progress=lambda _task, done, _total: seen.append(done),
    )
    assert again.num_taken_over == 2  # the window with the fourth pair was not written yet
    assert seen == [4, 6]
    np.testing.assert_array_equal(again.table.chosen_scores, whole.table.chosen_scores)
    np.testing.assert_array_equal(again.table.rejected_scores, whole.table.rejected_scores)


def test_a_killed_run_goes_on_to_the_scores_of_an_undisturbed_one(tmp_path: Path) -> None:
    """Whenever it is killed: within a window, as it is written, or before anything is there."""
    folder, journal = tiny.write_heads(tmp_path / "detector"), tmp_path / "journal"
    table = table_of(400)  # several windows
    processes = multiprocessing.get_context("forkserver")
    bert = "transformers.models.bert.modeling_bert"
    processes.set_forkserver_preload(["tests.detector.killable", "transformers", bert])
    lines = []
    for last in (1, 3, 2, 6):
        process = processes.Process(target=killable.score, args=(folder, table, journal, last))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        lines.append(len(journal.read_bytes().splitlines()))
    # A window is 64 pairs: two batches, then a line for each pair, forced to disk.
    assert lines == [1, 65, 65, 193]

    journal.write_bytes(journal.read_bytes()[:-20])  # a machine that went down with half a line
    judge = load_detector(folder, torch.device("cpu"), "bf16")
    again = score_pairs(judge, table, journal)
    whole = score_pairs(judge, table, tmp_path / "undisturbed")
    assert again.num_taken_over == 128  # the third window is read again as a whole
    np.testing.assert_array_equal(again.table.chosen_scores, whole.table.chosen_scores)
    np.testing.assert_array_equal(again.table.rejected_scores, whole.table.rejected_scores)


def test_another_detector_does_not_take_the_scores_over(detector: Detector, tmp_path: Path) -> None:
    score_pairs(detector, table_of(4), tmp_path / "journal")
    other = load_detector(
        tiny.write_heads(tmp_path / "other", tiny.TWO_PER_HEAD), torch.device("cpu"), "fp32"
    )
    assert score_pairs(other, table_of(4), tmp_path / "journal").num_taken_over == 0


def test_responses_that_the_detector_was_trained_on_are_counted(detector: Detector) -> None:
    table = table_of(4)
    texts = [JudgedText.from_pair(table.prompts[0], table.chosen[0])]
    assert seen_responses(detector, table) is None  # it isn't known what it was trained on

    knows = replace(
        detector, seen=frozenset(map(text_hash, texts)), seen_shingles=SeenShingles.of(texts)
    )

    assert str(seen_responses(knows, table)).startswith("1 of the 8 responses are texts that the")
