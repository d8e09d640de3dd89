"""A detector is measured only on texts that it has not seen, whatever their file is called."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from grice_core.detector.evaluate import evaluate_detector, write_evaluation
from grice_core.detector.fit import FitSettings, Place
from grice_core.detector.folder import Destination
from grice_core.detector.labels import load_labels, split_by_group
from grice_core.detector.load import load_detector
from grice_core.detector.record import read_record
from grice_core.detector.seen import SEEN_NAME, read_seen, text_hash, which_are_seen
from grice_core.detector.seen_nearly import SHINGLES_NAME, SeenShingles, nearest_seen
from grice_core.detector.student import new_student
from grice_core.detector.template import JudgedText
from grice_core.detector.train import train_detector
from grice_core.errors import DataError, DetectorError
from tests.detector import lessons, tiny

CPU = torch.device("cpu")
SETTINGS = FitSettings(epochs=1, holdout_share=0.25)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lessons.write_labels(tmp_path_factory.mktemp("labels") / "labels.json", 60)


@pytest.fixture
def trained(labels: Path, tmp_path: Path) -> Path:
    """A detector that was trained on the labels."""
    encoder = tiny.write_encoder(tmp_path / "encoder")
    student = new_student(str(encoder), "cls", Place(CPU, torch.float32), SETTINGS.seed)
    out = Destination(tmp_path / "trained")
    train_detector(load_labels(labels), student, SETTINGS, out)
    return out.folder


def parts(labels: Path) -> dict[str, list[dict[str, object]]]:
    """Rows of the file by what they were used for."""
    rows = json.loads(labels.read_text())
    split = split_by_group(load_labels(labels), SETTINGS.holdout_share, SETTINGS.seed)
    return {
        "train": [rows[row - 1] for row in split.train.rows],
        "test": [rows[row - 1] for row in split.test.rows],
    }


def test_texts_are_the_same_whatever_their_evidence_case_and_white_space() -> None:
    text = JudgedText("Where do cats  sleep?", "In the sun.\n", "Cats like it warm.")
    assert text_hash(text) == text_hash(JudgedText("where do cats sleep?", "In the sun."))
    assert text_hash(text) != text_hash(JudgedText("Where do cats sleep?", "In the rain."))
    # The border between context and response counts.
    assert text_hash(JudgedText("a b", "c")) != text_hash(JudgedText("a", "b c"))


def test_rows_of_the_training_file_under_another_name_are_left_out(
    labels: Path, trained: Path, tmp_path: Path
) -> None:
    detector = load_detector(trained, CPU, "fp32")
    assert detector.seen is not None
    by_use = parts(labels)
    tests = load_labels(labels).take(~which_are_seen(load_labels(labels).texts, detector.seen))
    assert 0 < len(tests) <= len(by_use["test"])  # a test text may stand in the training part, too

    renamed = tmp_path / "quite new.json"
    renamed.write_text(json.dumps([*by_use["train"], *by_use["test"]]))
    evaluation = evaluate_detector(detector, load_labels(renamed))
    assert evaluation.metrics.num_texts == len(tests)
    assert evaluation.num_seen == len(by_use["train"]) + len(by_use["test"]) - len(tests)
    assert evaluation.note is not None
    assert f"trained on {evaluation.num_seen:,} of these" in evaluation.note


def test_figures_that_rest_on_more_held_out_texts_stay(
    labels: Path, trained: Path, tmp_path: Path
) -> None:
    detector = load_detector(trained, CPU, "fp32")
    by_use = parts(labels)
    unseen = [
        row
        for row in by_use["test"]
        if text_hash(JudgedText(str(row["context"]), str(row["response"]))) not in detector.seen
    ]
    few = tmp_path / "few.json"
    few.write_text(json.dumps([*by_use["train"][:20], *unseen[: len(unseen) // 2]]))
    evaluation = evaluate_detector(detector, load_labels(few))
    kept = write_evaluation(trained, detector.record, evaluation)
    assert kept.metrics == detector.record.metrics == read_record(trained).metrics
    assert not (trained / "evaluation").exists()
    assert "they rest on more texts than these" in evaluation.remarks(detector.record)[1]


def test_texts_that_it_has_all_seen_are_refused(
    labels: Path, trained: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.json"
    seen.write_text(json.dumps(parts(labels)["train"]))
    with pytest.raises(DataError, match=r"was trained on all \d+ of these texts"):
        evaluate_detector(load_detector(trained, CPU, "fp32"), load_labels(seen))


def test_where_it_is_not_known_what_was_seen_the_figures_say_so(
    labels: Path, tmp_path: Path
) -> None:
    folder = tiny.write_heads(tmp_path / "brought")
    assert read_seen(folder) is None
    detector = load_detector(folder, CPU, "fp32")
    evaluation = evaluate_detector(detector, load_labels(labels))
    record = write_evaluation(folder, detector.record, evaluation)
    assert record.metrics_note is not None
    assert "isn't known" in record.metrics_note
    assert record.metrics_note in (folder / "README.md").read_text()


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    (tmp_path / SEEN_NAME).write_text("{")
    with pytest.raises(DetectorError, match=r"seen_texts\.json is damaged"):
        read_seen(tmp_path)


WORDS = " ".join(f"word{number}" for number in range(40))


def test_a_text_is_nearly_seen_if_context_and_response_are(tmp_path: Path) -> None:
    SeenShingles.of([JudgedText(WORDS, WORDS), JudgedText("", "They sleep in the sun.")]).write(
        tmp_path
    )
    seen = SeenShingles.read(tmp_path)
    assert seen is not None
    near = WORDS.replace("word20", "other")  # 0.85 similar

    found = nearest_seen(
        [
            JudgedText(near, WORDS),
            JudgedText(WORDS, near),
            JudgedText(WORDS, "Quite another response."),
            JudgedText("Quite another context.", WORDS),
            JudgedText("", "they sleep, in the sun", "with evidence"),
        ],
        seen,
    )

    assert found.similarity.round(2).tolist() == [0.85, 0.85, 0, 0, 1]
    assert found.other.tolist() == [0, 0, -1, -1, 1]


def test_near_duplicates_of_training_texts_count_and_are_told(
    labels: Path, trained: Path, tmp_path: Path
) -> None:
    rows = parts(labels)["train"][:9]
    nearly = [
        {**row, "context": WORDS, "response": f"{WORDS} number{number}"}
        for number, row in enumerate(rows)
    ]
    file = tmp_path / "nearly.json"
    file.write_text(json.dumps([*nearly, rows[0] | {"response": "Quite another response."}]))
    detector = load_detector(trained, CPU, "fp32")
    labelled = load_labels(file)
    shingles = SeenShingles.of([JudgedText(WORDS, WORDS)])

    evaluation = evaluate_detector(replace(detector, seen_shingles=shingles), labelled)

    assert evaluation.near is not None
    assert evaluation.near.rows == tuple(range(1, 10))
    assert evaluation.metrics.num_texts == 10
    assert "9 of the 10 texts are near-duplicates (similarity 0.8 or more, at" in str(
        evaluation.note
    )
    assert evaluate_detector(replace(detector, seen_shingles=None), labelled).near is None


def test_a_damaged_file_of_shingles_is_refused(tmp_path: Path) -> None:
    assert SeenShingles.read(tmp_path) is None
    (tmp_path / SHINGLES_NAME).write_text("{")
    with pytest.raises(DetectorError, match="is damaged"):
        SeenShingles.read(tmp_path)
