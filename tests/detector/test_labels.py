"""Labelled texts, as files hold them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grice_core.detector.labels import load_labels, split_by_group
from grice_core.detector.parts import split_again
from grice_core.detector.record import TrainingData
from grice_core.detector.template import JudgedText
from grice_core.errors import DataError

LABELS = {"quantity": 0, "quality": 1, "relation": 0, "manner": 1}
MARKED = "[CONTEXT] [agent_1]: Hi! [EVIDENCE] FS1 [RESPONSE] Yes."


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"input_text": MARKED}, JudgedText("[agent_1]: Hi!", "Yes.", "FS1")),
        ({"input_text": "[CONTEXT] Hi! [RESPONSE] Yes."}, JudgedText("Hi!", "Yes.")),
        ({"context": "Hi!", "response": "Yes."}, JudgedText("Hi!", "Yes.")),
        (
            {"context": "Hi!", "response": "Yes.", "evidence": "FS1"},
            JudgedText("Hi!", "Yes.", "FS1"),
        ),
        (
            {
                "prompt": "Context: A\nEvidence: B\n\nGenerate a cooperative response:",
                "response": "C",
            },
            JudgedText("A", "C", "B"),
        ),
    ],
)
def test_the_text_may_be_written_in_several_ways(
    tmp_path: Path, row: dict[str, Any], expected: JudgedText
) -> None:
    labelled = load_labels(write(tmp_path / "labels.json", {**row, "labels": LABELS}))
    assert list(labelled.texts) == [expected]
    assert labelled.labels.tolist() == [[0, 1, 0, 1]]


TEXTS = {
    "marked": {"input_text": MARKED},
    "fields": {"context": "[agent_1]: Hi!", "response": "Yes.", "evidence": "FS1"},
}
VERDICTS = {"object": {"labels": LABELS}, "columns": LABELS}


FILES = [
    (verdict, kind)
    for kind in ("json", "jsonl", "csv", "parquet")
    for verdict in VERDICTS
    if (verdict, kind) != ("object", "csv")
]


@pytest.mark.parametrize(("verdict", "kind"), FILES)
@pytest.mark.parametrize("text", TEXTS)
def test_every_layout_can_be_read_from_every_kind_of_file(
    tmp_path: Path, text: str, verdict: str, kind: str
) -> None:
    rows = [{**TEXTS[text], **VERDICTS[verdict]}, {**TEXTS[text], **VERDICTS[verdict]}]
    labelled = load_labels(write_as(tmp_path / f"labels.{kind}", rows))
    assert list(labelled.texts) == [JudgedText("[agent_1]: Hi!", "Yes.", "FS1")] * 2
    assert labelled.labels.tolist() == [[0, 1, 0, 1]] * 2


def write_as(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file of the kind that its name says."""
    table = pd.DataFrame(rows)
    match path.suffix:
        case ".json":
            return write(path, *rows)
        case ".jsonl":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        case ".csv":
            table.to_csv(path, index=False)
        case ".parquet":
            table.to_parquet(path)
    return path


def test_labels_may_be_columns_of_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "context,response,quantity,quality_violation,relation,manner\n"
        "Hi!,Yes.,0,1,0,1\nWho?,Me.,1,0,0,0\n"
    )
    labelled = load_labels(path)
    assert labelled.labels.tolist() == [[0, 1, 0, 1], [1, 0, 0, 0]]
    assert list(labelled.groups) == ["Hi!", "Who?"]


def test_the_dialogue_is_named_or_else_the_context(tmp_path: Path) -> None:
    path = write(
        tmp_path / "labels.json",
        {"input_text": MARKED, "labels": LABELS, "original_id": "t_7"},
        {"input_text": MARKED, "labels": LABELS},
    )
    assert list(load_labels(path).groups) == ["t_7", "[agent_1]: Hi!"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"input_text": "Hi!", "labels": LABELS}, r"row 2: input_text must read \[CONTEXT\]"),
        ({"context": "Hi!", "labels": LABELS}, "row 2 has neither an input_text nor a response"),
        ({"response": "a", "labels": {"quantity": 0}}, "row 2 has no label for quality"),
        ({"response": "a", "labels": {**LABELS, "manner": 0.5}}, "label of manner is 0.5; give 1"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "labels.json", {"input_text": MARKED, "labels": LABELS}, row)
    with pytest.raises(DataError, match=message):
        load_labels(path)


def test_no_dialogue_stands_in_two_parts(tmp_path: Path) -> None:
    rows = [
        {"input_text": MARKED, "labels": LABELS, "original_id": f"t_{i % 40}"} for i in range(120)
    ]
    labelled = load_labels(write(tmp_path / "labels.json", *rows))
    split = split_by_group(labelled, 0.2, seed=3)
    parts = [set(part.groups) for part in (split.train, split.validation, split.test)]
    assert all(parts)
    assert not parts[0] & parts[1]
    assert not parts[1] & parts[2]
    assert not parts[0] & parts[2]
    rows_seen = sorted([*split.train.rows, *split.validation.rows, *split.test.rows])
    assert rows_seen == list(range(1, 121))


def test_the_split_of_the_training_file_is_found_again(tmp_path: Path) -> None:
    rows = [{"input_text": MARKED, "labels": LABELS, "original_id": f"t_{i}"} for i in range(30)]
    labelled = load_labels(write(tmp_path / "labels.json", *rows))
    training = TrainingData(sha256=labelled.sha256, seed=3, holdout_share=0.2)
    again = split_again(labelled, training)
    assert again is not None
    np.testing.assert_array_equal(again.test.rows, split_by_group(labelled, 0.2, 3).test.rows)
    assert split_again(labelled, training.model_copy(update={"sha256": "other"})) is None
    assert split_again(labelled, None) is None
