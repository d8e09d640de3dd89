"""Detectors from disk: our folders, and classifiers as they are."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from grice_core.detector.load import load_detector, load_tokenizer
from grice_core.detector.record import read_record, write_record
from grice_core.detector.weights import write_detector
from grice_core.errors import DetectorError
from grice_core.kernels import linear
from grice_core.maxims import MAXIMS
from tests.detector import tiny

CPU = torch.device("cpu")
PROMPT, RESPONSE = "Where do cats sleep?", "They sleep where it is warm."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_heads(tmp_path / "detector")


def test_the_record_comes_with_the_detector(folder: Path) -> None:
    detector = load_detector(folder, CPU, "fp32")
    assert detector.record == read_record(folder)
    assert detector.thresholds.tolist() == [0.5] * 4
    assert detector.weak_maxims == ()


def test_a_deberta_encoder_loads_like_any_other(tmp_path: Path) -> None:
    record = read_record(tiny.write_heads(tmp_path))
    model = tiny.heads(config=tiny.deberta_config())
    write_detector(tmp_path, model, tiny.tokenizer(), record)
    scores = load_detector(tmp_path, CPU, "fp32").score([PROMPT], [RESPONSE])
    assert np.isfinite(scores).all()


def test_prepacked_weights_give_the_scores_of_plain_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny.deberta_config()
    folder = tiny.write_heads(tmp_path)
    model = tiny.heads(config=config)
    write_detector(folder, model, tiny.tokenizer(), read_record(folder))
    plain = load_detector(folder, CPU, "fp32").score([PROMPT], [RESPONSE])  # too small to lay out

    packed, pack = [], linear._prepacked

    def noting(weight: torch.Tensor) -> torch.Tensor:
        packed.append(weight)
        return pack(weight)

    monkeypatch.setattr(linear, "SMALLEST", 1)
    monkeypatch.setattr(linear, "_prepacked", noting)
    detector = load_detector(folder, CPU, "fp32")
    for _ in range(2):
        np.testing.assert_allclose(detector.score([PROMPT], [RESPONSE]), plain, atol=1e-6)
    assert len(packed) == 6 * config.num_hidden_layers + 4  # and four heads; only once


@pytest.mark.parametrize("broken", ["weights", "record", "configuration", "tokenizer"])
def test_a_damaged_folder_is_refused_in_one_sentence(folder: Path, broken: str) -> None:
    if broken == "weights":
        with (folder / "model.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"?")
        message = "is not the file that detector.json was written with"
    elif broken == "record":
        (folder / "detector.json").write_text('{"format_version": 1}')
        message = r"detector\.json: architecture: Field required"
    elif broken == "configuration":
        (folder / "config.json").unlink()
        message = "no model configuration can be read"
    else:
        (folder / "tokenizer.json").unlink()
        message = "no tokenizer can be read"
    with pytest.raises(DetectorError, match=message):
        load_detector(folder, CPU)


def test_a_record_that_contradicts_the_weights_is_refused(folder: Path) -> None:
    record = read_record(folder)
    write_record(folder, record.model_copy(update={"architecture": tiny.TWO_PER_HEAD}))
    with pytest.raises(DetectorError, match=r"does not fit detector\.json and config\.json"):
        load_detector(folder, CPU)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DetectorError, match=re.escape(f"{tmp_path}/nowhere: there is no such folder")
    ):
        load_detector(tmp_path / "nowhere", CPU)


def test_an_input_too_short_for_any_response_is_refused(folder: Path) -> None:
    write_record(folder, read_record(folder).model_copy(update={"max_length": 8}))
    with pytest.raises(DetectorError, match="8 tokens have no room for a response"):
        load_detector(folder, CPU)


def test_a_tokenizer_may_be_a_sentencepiece_model_as_deberta_v3_has_it(tmp_path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([f"{PROMPT} {RESPONSE}"] * 20),
        model_writer=model,
        vocab_size=40,
        hard_vocab_limit=False,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=3,
    )
    (tmp_path / "spm.model").write_bytes(model.getvalue())
    (tmp_path / "tokenizer_config.json").write_text('{"vocab_type": "spm"}')
    tiny.deberta_config().save_pretrained(tmp_path)
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.convert_ids_to_tokens(tokenizer(RESPONSE)["input_ids"])[0] == "[CLS]"
    assert tokenizer.decode(tokenizer(RESPONSE)["input_ids"], skip_special_tokens=True) == RESPONSE


def test_an_encoder_alone_is_no_detector(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no sequence classifier"):
        load_detector(tiny.write_encoder(tmp_path), CPU)


def test_a_classifiers_labels_may_stand_in_any_order_and_case(tmp_path: Path) -> None:
    ordered = load_detector(tiny.write_classifier(tmp_path / "a", tuple(MAXIMS)), CPU)
    mixed = ("Manner", "QUANTITY", "relation", "quality")
    shuffled = load_detector(tiny.write_classifier(tmp_path / "b", mixed), CPU)
    # The networks are the same, so output k is maxim k in one and maxim mixed[k] in the other.
    outputs = ordered.score([PROMPT], [RESPONSE])[0]
    expected = [outputs[[label.lower() for label in mixed].index(maxim)] for maxim in MAXIMS]
    np.testing.assert_allclose(shuffled.score([PROMPT], [RESPONSE])[0], expected, atol=1e-7)


def test_an_uncalibrated_classifier_says_so(tmp_path: Path) -> None:
    detector = load_detector(tiny.write_classifier(tmp_path, tuple(MAXIMS)), CPU)
    assert detector.record.temperatures.as_array().tolist() == [1.0] * 4
    assert "never calibrated" in detector.record.remarks[0]


@pytest.mark.parametrize("labels", [("a", "b", "c", "d"), ("quantity", "quality", "relation")])
def test_other_labels_are_refused(tmp_path: Path, labels: tuple[str, ...]) -> None:
    with pytest.raises(DetectorError, match="exactly the four labels"):
        load_detector(tiny.write_classifier(tmp_path, labels), CPU)


def test_labels_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    folder = tiny.write_classifier(
        tmp_path, tuple(MAXIMS), problem_type="single_label_classification"
    )
    with pytest.raises(DetectorError, match="exclude each other"):
        load_detector(folder, CPU)
