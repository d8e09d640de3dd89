"""Labels that are probably wrong are found and ranked, and corrected in a copy."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from grice_core.cli import app
from grice_core.data.pairs import FloatArray
from grice_core.detector.corrected_labels import (
    Decision,
    looked_at,
    next_version,
    read_decisions,
    write_corrected,
)
from grice_core.detector.cross_validation import cross_validated
from grice_core.detector.evaluate import evaluate_detector, write_evaluation
from grice_core.detector.fit import FitSettings, Place
from grice_core.detector.label_errors import (
    LABEL_ERRORS_NAME,
    LabelErrors,
    likely_wrong,
    rank_label_errors,
)
from grice_core.detector.labels import LabelledTexts, load_labels
from grice_core.detector.load import load_detector
from grice_core.detector.student import new_student
from grice_core.detector.template import JudgedText
from grice_core.errors import DataError, DetectorError
from grice_core.maxims import MAXIMS, Maxim
from tests.detector import lessons, tiny

CPU = torch.device("cpu")
PROBABILITIES = [
    0.0469,
    0.965,
    0.9575,
    0.9196,
    0.2346,
    0.1328,
    0.5621,
    0.7011,
    0.6597,
    0.5195,
    0.2552,
    0.5125,
    0.1816,
    0.9079,
    0.0454,
    0.8781,
    0.2721,
    0.3397,
    0.5198,
    0.0916,
    0.7264,
    0.524,
    0.6427,
    0.1096,
    0.2488,
    0.1406,
    0.5987,
    0.5211,
    0.323,
    0.0156,
    0.1919,
    0.3364,
    0.9373,
    0.0961,
    0.6652,
    0.0438,
    0.0916,
    0.4066,
    0.1914,
    0.7115,
]
LABELS = [
    0,
    1,
    1,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    1,
    0,
    1,
    0,
    1,
    0,
    0,
    1,
    0,
    1,
    1,
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    1,
    0,
    1,
    1,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
]
CLEANLAB = [29, 35, 10, 39, 7, 34, 8, 22]
"""What cleanlab 2.9.0 says of these: `find_label_issues(LABELS, [[1 − p, p]], filter_by="confident_learning",
return_indices_ranked_by="self_confidence")`."""


def labelled(labels: FloatArray) -> LabelledTexts:
    numbers = range(len(labels))
    texts = [JudgedText(f"context {n}", f"response {n}") for n in numbers]
    return LabelledTexts(texts, labels, [f"{n}" for n in numbers], range(1, len(labels) + 1), "abc")


def test_the_labels_are_those_that_cleanlab_doubts_in_its_order() -> None:
    probabilities = np.tile(np.array(PROBABILITIES)[:, None], 4)
    labels = np.zeros((len(LABELS), 4))
    labels[:, Maxim.QUALITY.column] = LABELS

    found = rank_label_errors(labelled(labels), probabilities, "how")

    likely = [one for one in found.ranked if one.likely]
    assert [one.row - 1 for one in likely] == CLEANLAB
    assert found.num_likely == dict.fromkeys(MAXIMS, 0) | {Maxim.QUALITY: len(CLEANLAB)}
    # The others follow, the least sure first, of all maxims.
    rest = [one.self_confidence for one in found.ranked[len(likely) :]]
    assert rest == sorted(rest)
    assert len(found.ranked) == 4 * len(LABELS)


def test_labels_that_were_looked_at_are_not_asked_about_again() -> None:
    labels = np.tile(np.array(LABELS, dtype=np.float64)[:, None], 4)
    found = rank_label_errors(labelled(labels), np.tile(np.array(PROBABILITIES)[:, None], 4), "")
    first = found.ranked[0]

    left = found.without({(first.row, first.maxim)})

    assert first not in left.ranked
    assert len(left.ranked) == len(found.ranked) - 1
    assert left.num_likely[first.maxim] == found.num_likely[first.maxim] - 1


def test_by_hand() -> None:
    # Class 1 is given 0.9, 0.8 and 0.1 where it is the label: sure means 0.6. Class 0: 0.9, 0.3, so 0.6.
    violated = np.array([True, True, True, False, False])
    probabilities = np.array([0.9, 0.8, 0.1, 0.1, 0.7])
    assert likely_wrong(violated, probabilities).tolist() == [False, False, True, False, True]
    # Not as sure of the other class as of that class on average.
    assert likely_wrong(violated, np.array([0.9, 0.8, 0.1, 0.1, 0.55]))[4].tolist() is False
    assert not likely_wrong(np.zeros(3, dtype=bool), np.array([0.9, 0.9, 0.1])).any()


def test_a_corrected_copy_says_what_it_was_made_from(tmp_path: Path) -> None:
    file = lessons.write_labels(tmp_path / "labels.json", 6)
    before = file.read_bytes()
    original = load_labels(file)
    out = tmp_path / next_version(file.name)

    decisions = [Decision(2, Maxim.MANNER, "flip", "ann"), Decision(3, Maxim.QUALITY, "keep")]
    assert write_corrected(file, decisions, out) == 1

    assert file.read_bytes() == before
    corrected = load_labels(out)
    changed = np.argwhere(corrected.labels != original.labels).tolist()
    assert changed == [[1, Maxim.MANNER.column]]
    rows = json.loads(out.read_text())
    was = int(original.labels[1, Maxim.MANNER.column])
    assert rows[1]["label_corrections"] == {
        "manner": {"was": was, "file": "labels.json", "sha256": original.sha256, "by": "ann"}
    }
    assert rows[2]["labels_confirmed"] == ["quality"]
    assert list(corrected.texts) == list(original.texts)
    assert looked_at(out) == {(2, Maxim.MANNER), (3, Maxim.QUALITY)}
    assert not looked_at(file)
    assert (out.name, next_version(out.name)) == ("labels v2.json", "labels v3.json")


def test_labels_in_columns_are_flipped_where_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("context,response,quantity_violation,quality,relation,manner\nc,r,0,true,0,1\n")
    flips = [Decision(1, maxim, "flip") for maxim in (Maxim.QUANTITY, Maxim.QUALITY)]

    write_corrected(file, flips, tmp_path / "out.json")

    assert load_labels(tmp_path / "out.json").labels.tolist() == [[1, 0, 0, 1]]
    with pytest.raises(DataError, match="has no row 9"):
        write_corrected(file, [Decision(9, Maxim.QUALITY, "flip")], tmp_path / "out.json")


def test_decisions_are_read_from_the_ranking_that_was_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "ranked.csv"
    file.write_text("maxim,row,decision\nquality,3,Flip\nmanner,1,keep\nmanner,2,\nmanner,4,skip\n")
    assert read_decisions(file) == [
        Decision(3, Maxim.QUALITY, "flip"),
        Decision(1, Maxim.MANNER, "keep"),
    ]
    file.write_text("maxim,row,decision\nquality,3,perhaps\n")
    with pytest.raises(DataError, match="line 2: give row, maxim, and keep, flip or skip"):
        read_decisions(file)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lessons.write_labels(tmp_path_factory.mktemp("labels") / "labels.json", 20)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["detector", *map(str, arguments)], catch_exceptions=False)


def test_an_evaluation_leaves_the_ranking_and_the_command_gives_the_same(
    labels: Path, tmp_path: Path
) -> None:
    folder = tiny.write_heads(tmp_path / "detector")
    detector = load_detector(folder, CPU, "fp32")
    write_evaluation(folder, detector.record, evaluate_detector(detector, load_labels(labels)))
    path = folder / "evaluation" / LABEL_ERRORS_NAME
    kept = LabelErrors.parse(path.read_text(), str(path))

    ranked = tmp_path / "ranked.csv"
    given = ("--detector", folder, "--precision", "fp32", "--out", ranked)
    told = json.loads(run("label-errors", labels, *given, "--json").stdout)

    assert [(one["row"], one["maxim"]) for one in told["ranked"]] == [
        (one.row, one.maxim) for one in kept.ranked
    ]
    lines = ranked.read_text().replace(",,", ",flip,", 1)
    ranked.write_text(lines)
    result = run("correct-labels", labels, "--decisions", ranked, "--out", tmp_path / "v2.json")
    assert result.stdout.startswith("1 labels flipped, 0 confirmed")
    first = kept.ranked[0]
    corrected = load_labels(tmp_path / "v2.json").labels[first.row - 1, first.maxim.column]
    assert bool(corrected) is not first.violated
    with pytest.raises(DetectorError, match="can't be read"):
        LabelErrors.parse("{}", "x")


def test_each_text_is_judged_by_a_detector_that_has_not_seen_its_dialogue(
    labels: Path, tmp_path: Path
) -> None:
    encoder = str(tiny.write_encoder(tmp_path / "encoder"))
    texts = load_labels(labels)

    probabilities = cross_validated(
        texts,
        lambda: new_student(encoder, "cls", Place(CPU, torch.float32), 0),
        FitSettings(epochs=1, holdout_share=0.25),
        num_folds=2,
    )

    assert probabilities.shape == (len(texts), 4)
    assert ((probabilities > 0) & (probabilities < 1)).all()
