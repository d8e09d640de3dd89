"""`grice detector train`, `evaluate`, `calibrate` and `distill` as a user meets them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from grice_core.cli import app
from grice_core.detector.load import load_detector
from grice_core.detector.metrics import WEAK
from grice_core.detector.record import DetectorRecord, read_record
from grice_core.detector.seen import SEEN_NAME
from grice_core.errors import DataError, DetectorError, GriceError, OutputError
from grice_core.maxims import MAXIMS, Maxim
from tests.detector import lessons, tiny

FAST = ("--epochs", "8", "--learning-rate", "0.01", "--batch-size", "8")


def grice(*arguments: str | Path) -> Result:
    """Run the command. Its `GriceError` is raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, GriceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labels, scored pairs, an encoder, and a detector trained on the labels."""
    root = tmp_path_factory.mktemp("judge")
    lessons.write_labels(root / "labels.json")
    lessons.write_pairs(root / "pairs.json")
    tiny.write_encoder(root / "encoder")
    shown = grice(
        *("detector", "train", root / "labels.json", "--encoder", root / "encoder"),
        *("--out", root / "trained", *FAST),
    )
    (root / "shown.txt").write_text(shown.output)
    return root


@pytest.fixture
def trained(root: Path, tmp_path: Path) -> Path:
    """A copy of the trained detector, to be changed."""
    return Path(shutil.copytree(root / "trained", tmp_path / "trained"))


def without_training(folder: Path) -> Path:
    """The same detector, as if it had been trained elsewhere."""
    path = folder / "detector.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "training": None}))
    (folder / SEEN_NAME).unlink(missing_ok=True)
    return folder


def test_training_says_what_it_learnt_and_how_far_to_trust_it(root: Path) -> None:
    shown = (root / "shown.txt").read_text()
    assert "← kept" in shown
    assert "macro-F1" in shown
    record = read_record(root / "trained")
    assert record.metrics is not None
    assert record.metrics.macro_f1 > 0.7
    assert record.origin.endswith("starting from random weights")
    assert "On " in (root / "trained" / "README.md").read_text()


def test_labels_are_split_into_detectors_that_share_no_dialogue(root: Path, tmp_path: Path) -> None:
    grice(
        *(
            "detector",
            "train",
            root / "labels.json",
            "--encoder",
            root / "encoder",
            "--epochs",
            "1",
        ),
        *("--out", tmp_path / "judge", "--disjoint", "2"),
    )
    seen = []
    for part in (1, 2):
        folder = tmp_path / f"judge-{part}"
        record = read_record(folder)
        assert f"of part {part} of 2 (no dialogue is in two parts)" in record.origin
        assert record.origin in (folder / "README.md").read_text()
        assert record.metrics is not None
        assert record.metrics.num_texts < 40
        seen.append(set(json.loads((folder / SEEN_NAME).read_text())))
    assert not seen[0] & seen[1]
    assert min(map(len, seen)) > 60
    # Evaluated on the same file, each still counts the texts that its own part kept aside.
    shown = grice("detector", "evaluate", tmp_path / "judge-1", root / "labels.json").output
    assert "only the" in shown
    assert "kept aside as a test count" in " ".join(shown.split())


def test_a_detector_that_calls_nothing_violated_yet_is_not_given_up(
    root: Path, tmp_path: Path
) -> None:
    slowly = ("--epochs", "6", "--learning-rate", "0.0001", "--batch-size", "8")
    shown = grice(
        *("detector", "train", root / "labels.json", "--encoder", root / "encoder"),
        *("--out", tmp_path / "slow", *slowly),
    ).output
    figures = [float(figure) for figure in re.findall(r"^ +\d+  (\d\.\d{3})", shown, re.MULTILINE)]
    assert min(figures) > 0
    assert max(figures) > figures[0]


def test_responses_seen_in_training_are_remarked_on(root: Path) -> None:
    """The lessons have a dozen responses in all."""
    remarks = " ".join(read_record(root / "trained").remarks)
    assert "stands word for word in the training texts" in remarks


def test_a_trained_detector_scores(root: Path) -> None:
    detector = load_detector(root / "trained", torch.device("cpu"), "fp32")
    scores = detector.score(["where do cats sleep"] * 2, ["on the mat", "on the mat blue"])
    assert scores[1, Maxim.MANNER.column] > scores[0, Maxim.MANNER.column] + 0.3


def test_training_starts_from_an_encoders_weights_where_there_are_some(
    root: Path, tmp_path: Path
) -> None:
    encoder = tiny.write_encoder(tmp_path / "encoder")
    from transformers import AutoModel

    torch.manual_seed(5)
    network: Any = AutoModel.from_config(tiny.bert_config())
    network.save_pretrained(encoder)
    grice(
        *("detector", "train", root / "labels.json", "--encoder", encoder, "--epochs", "1"),
        *("--learning-rate", "1e-12", "--out", tmp_path / "out"),
    )
    model: Any = load_detector(tmp_path / "out", torch.device("cpu"), "fp32").model
    expected = network.embeddings.word_embeddings.weight
    torch.testing.assert_close(model.encoder.embeddings.word_embeddings.weight, expected)
    assert f"starting from {encoder}" in read_record(tmp_path / "out").origin


def test_too_few_dialogues_are_refused(root: Path, tmp_path: Path) -> None:
    labels = lessons.write_labels(tmp_path / "few.json", num_dialogues=1)
    with pytest.raises(DataError, match="2 texts of 1 dialogues are too few"):
        grice(
            *("detector", "train", labels, "--encoder", root / "encoder"),
            *("--out", tmp_path / "out"),
        )
    assert not (tmp_path / "out").exists()


def test_a_setting_out_of_range_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"--holdout 0\.7: Input should be less than 0\.5"):
        grice(
            *("detector", "train", root / "labels.json", "--encoder", root / "encoder"),
            *("--out", tmp_path / "out", "--holdout", "0.7"),
        )


def test_training_asks_for_a_free_place_before_it_starts(root: Path) -> None:
    with pytest.raises(OutputError, match="add --overwrite"):
        grice(
            *("detector", "train", root / "labels.json", "--encoder", root / "encoder"),
            *("--out", root / "trained"),
        )


def test_evaluation_of_the_training_file_counts_only_its_test_part(
    root: Path, trained: Path
) -> None:
    printed = grice("detector", "evaluate", trained, root / "labels.json", "--json").stdout
    report = json.loads(printed)
    record = read_record(trained)
    assert record.metrics is not None
    assert report["num_texts"] == record.metrics.num_texts < 240
    assert report["macro_f1"] == record.metrics.macro_f1
    assert "trained on this file" in report["note"]


def test_evaluation_leaves_figures_mistakes_and_diagrams(root: Path, trained: Path) -> None:
    shown = grice("detector", "evaluate", without_training(trained), root / "labels.json").output
    assert "240 texts" in shown
    kept = trained / "evaluation"
    assert (kept / "reliability.png").read_bytes().startswith(b"\x89PNG")
    figure = json.loads((kept / "reliability.json").read_text())
    assert {trace.get("name") for trace in figure["data"]} == {None, *MAXIMS}
    report = json.loads((kept / "evaluation.json").read_text())
    assert set(report["maxims"]) == set(MAXIMS)
    # What training said of its own figures is not said of these.
    assert "word for word" not in shown
    assert "word for word" not in " ".join(read_record(trained).remarks)


def test_a_judge_no_better_than_a_coin_says_so_everywhere(root: Path, tmp_path: Path) -> None:
    coin = tiny.write_heads(tmp_path / "coin")
    shown = grice("detector", "evaluate", coin, root / "labels.json").output
    assert f"manner: {WEAK}" in shown
    assert "Most confident mistakes" in shown
    assert WEAK in (coin / "README.md").read_text()
    assert Maxim.MANNER in load_detector(coin, torch.device("cpu")).weak_maxims


def test_calibration_makes_an_overconfident_detector_modest(root: Path, trained: Path) -> None:
    record = read_record(without_training(trained))
    spoilt = record.temperatures.model_copy(update={"manner": 0.1})
    changed = record.model_copy(update={"temperatures": spoilt, "remarks": ("old remark",)})
    (trained / "detector.json").write_text(changed.model_dump_json())
    printed = grice("detector", "calibrate", trained, root / "labels.json", "--json").stdout
    manner = json.loads(printed)["maxims"]["manner"]
    assert manner["after"]["log_loss"] < manner["before"]["log_loss"]
    after: DetectorRecord = read_record(trained)
    assert after.temperatures.manner == manner["temperature"]
    assert after.thresholds.manner == manner["threshold"]
    assert "old remark" not in after.remarks
    assert after.metrics is not None
    assert after.metrics.num_texts == 240


def test_calibration_on_the_training_file_uses_its_validation_part(
    root: Path, trained: Path
) -> None:
    shown = grice("detector", "calibrate", trained, root / "labels.json").output
    assert "its validation part calibrates it" in shown
    assert "stands word for word in the training texts" in shown
    assert "→" in shown


def test_a_folder_that_is_no_detector_of_ours_cannot_be_calibrated(root: Path) -> None:
    with pytest.raises(DetectorError, match="make it a detector first: grice detector import"):
        grice("detector", "calibrate", root / "encoder", root / "labels.json")


def test_a_student_agrees_with_its_teacher(root: Path, tmp_path: Path) -> None:
    shown = grice(
        *("detector", "distill", root / "pairs.json", "--encoder", root / "encoder"),
        *("--out", tmp_path / "student", *FAST),
    ).output
    assert "same verdict" in shown
    record = read_record(tmp_path / "student")
    assert record.agreement is not None
    assert np.mean([one.same_verdict for one in record.agreement.values()]) > 0.9
    assert record.metrics is None


def test_a_student_that_learnt_nothing_does_not_hide_behind_its_verdicts(
    root: Path, tmp_path: Path
) -> None:
    lazy = ("--epochs", "1", "--learning-rate", "1e-9")
    grice(
        *("detector", "distill", root / "pairs.json", "--encoder", root / "encoder"),
        *("--out", tmp_path / "student", *lazy),
    )
    record = read_record(tmp_path / "student")
    assert any("hardly ranks responses" in remark for remark in record.remarks)


def test_pairs_without_scores_teach_nothing(root: Path, tmp_path: Path) -> None:
    pairs = [{"prompt": "no", "chosen": "yes", "rejected": "mat"}] * 3
    (tmp_path / "unscored.json").write_text(json.dumps(pairs))
    with pytest.raises(DataError, match="no pair has scores to learn from"):
        grice(
            *("detector", "distill", tmp_path / "unscored.json", "--encoder", root / "encoder"),
            *("--out", tmp_path / "out"),
        )
