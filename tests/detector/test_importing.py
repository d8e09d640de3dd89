"""Foreign detectors made into folders of ours."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grice_core.detector.folder import Destination
from grice_core.detector.importing import import_checkpoint, import_classifier
from grice_core.detector.load import load_detector
from grice_core.detector.record import DetectorRecord, HeadsArchitecture
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError, OutputError
from grice_core.maxims import MAXIMS
from tests.detector import tiny

CPU = torch.device("cpu")
TEXT = JudgedText("where do cats sleep ?", "on the mat .")
TEMPERATURES = {"quantity": 0.5, "quality": 1.0, "relation": 1.5, "manner": 2.0}


class Bench:
    """A folder with an encoder, temperatures and a place for checkpoints."""

    def __init__(self, root: Path):
        self.root = root
        self.encoder = tiny.write_encoder(root / "encoder")
        self.temperatures = root / "temperatures.json"
        self.temperatures.write_text(json.dumps(TEMPERATURES))

    def run(self, content: Any) -> DetectorRecord:
        """Import a checkpoint with this content."""
        checkpoint = self.root / "best.pt"
        if content is not None:
            torch.save(content, checkpoint)
        out = Destination(self.root / "out")
        return import_checkpoint(checkpoint, str(self.encoder), self.temperatures, out)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("architecture", [tiny.ONE_PER_HEAD, tiny.TWO_PER_HEAD])
def test_both_layouts_are_found_and_give_the_checkpoints_logits(
    bench: Bench, architecture: HeadsArchitecture
) -> None:
    model = tiny.heads(architecture)
    record = bench.run({"model_state_dict": model.state_dict(), "val_f1": np.float64(0.9)})
    detector = load_detector(bench.root / "out", CPU, "fp32")
    assert detector.record == record
    assert record.architecture == architecture
    ids = torch.tensor([detector.encoder.encode([TEXT])[0].token_ids.tolist()])
    with torch.no_grad():
        expected = model(ids, torch.ones_like(ids), torch.ones_like(ids, dtype=torch.bool))
    np.testing.assert_allclose(detector.judge([TEXT]).logits, expected.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"state_dict": weights},
        lambda weights: {"model": weights, "optimizer": {"lr": np.float32(1)}},
        lambda weights: {f"module.{key}": tensor for key, tensor in weights.items()},
        lambda weights: {"encoder.pooler.dense.weight": torch.ones(16, 16), **weights},
        lambda weights: {key: tensor.half() for key, tensor in weights.items()},
    ],
    ids=["bare", "state_dict", "model", "parallel", "pooler", "fp16"],
)
def test_weights_are_found_wherever_the_field_puts_them(
    bench: Bench, wrap: Callable[[dict[str, Any]], Any]
) -> None:
    assert bench.run(wrap(tiny.heads().state_dict())).architecture == tiny.ONE_PER_HEAD


def test_heads_that_count_their_dropouts_differently_are_the_same_heads(bench: Bench) -> None:
    moved = {
        key.replace(".4.", ".3.").replace(".1.w", ".0.w").replace(".1.b", ".0.b")
        if key.startswith("classifiers.")
        else key: tensor
        for key, tensor in tiny.heads().state_dict().items()
    }
    assert "classifiers.0.0.weight" in moved
    assert bench.run(moved).architecture == tiny.ONE_PER_HEAD


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_a_malicious_pickle_is_named_and_never_run(bench: Bench) -> None:
    proof = bench.root / "proof"
    with pytest.raises(DetectorError, match=r"something other than weights \(.*system\)"):
        bench.run({**tiny.heads().state_dict(), "extra": Malicious(f"touch {proof}")})
    assert not proof.exists()
    assert not (bench.root / "out").exists()


def without_head(weights: dict[str, Any]) -> dict[str, Any]:
    return {key: tensor for key, tensor in weights.items() if "classifiers.2." not in key}


def with_wrong_shape(weights: dict[str, Any]) -> dict[str, Any]:
    return {**weights, "classifiers.1.4.weight": torch.ones(1, 9)}


def with_two_outputs(weights: dict[str, Any]) -> dict[str, Any]:
    return {**weights, "classifiers.1.4.weight": torch.ones(2, 8)}


def with_other_words(weights: dict[str, Any]) -> dict[str, Any]:
    return {**weights, "encoder.embeddings.word_embeddings.weight": torch.ones(7, 16)}


def with_other_layout(weights: dict[str, Any]) -> dict[str, Any]:
    other = tiny.heads(tiny.TWO_PER_HEAD).state_dict()
    return {**weights, **{key: t for key, t in other.items() if "classifiers.3." in key}}


def without_a_bias(weights: dict[str, Any]) -> dict[str, Any]:
    return {key: tensor for key, tensor in weights.items() if key != "classifiers.0.1.bias"}


def with_a_third_layer(weights: dict[str, Any]) -> dict[str, Any]:
    key = "encoder.encoder.layer.1.output.dense.bias"
    return {**weights, key.replace("1", "2"): weights[key]}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_head, "no head for relation"),
        (with_wrong_shape, r"classifiers\.1 has Linears of shapes \[\(8, 16\), \(1, 9\)\]"),
        (with_two_outputs, "the last one's output 1"),
        (with_other_words, r"word_embeddings\.weight has shape \(7, 16\), with the encoder"),
        (with_other_layout, "the heads differ"),
        (without_a_bias, r"classifiers\.0\.1\.bias is missing"),
        (with_a_third_layer, r"layer\.2\.output\.dense\.bias has no place"),
        (lambda weights: {"weights": weights}, "no weights named encoder"),
        (lambda weights: list(weights.values()), "holds a list"),
    ],
)
def test_a_checkpoint_that_does_not_fit_gets_one_clear_sentence(
    bench: Bench, spoil: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(DetectorError, match=message):
        bench.run(spoil(tiny.heads().state_dict()))
    assert not (bench.root / "out").exists()


def test_a_file_that_is_no_checkpoint_is_named(bench: Bench) -> None:
    (bench.root / "best.pt").write_bytes(b"PK\x03\x04 half a zip file")
    with pytest.raises(DetectorError, match=r"best\.pt is damaged or no PyTorch checkpoint"):
        bench.run(None)


def test_a_checkpoint_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(DetectorError, match=r"best\.pt: there is no such file"):
        bench.run(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"quantity": 1, "quality": 1, "relation": 1}', "no temperature for manner"),
        (json.dumps({**TEMPERATURES, "manner": 0}), "temperature of manner is 0; .* above 0"),
        (json.dumps({**TEMPERATURES, "quality": -1}), "temperature of quality is -1"),
        (json.dumps({**TEMPERATURES, "quality": "warm"}), "temperature of quality is 'warm'"),
        ("[1, 1, 1, 1]", "an object with a temperature per maxim"),
        ("{", "is not JSON"),
    ],
)
def test_bad_temperatures_are_named(bench: Bench, text: str, message: str) -> None:
    bench.temperatures.write_text(text)
    with pytest.raises(DetectorError, match=message):
        bench.run(tiny.heads().state_dict())


def test_temperatures_at_the_bound_of_a_failed_search_are_remarked_on(bench: Bench) -> None:
    bench.temperatures.write_text(json.dumps({**TEMPERATURES, "quantity": 0.1, "relation": 0.1}))
    (remark,) = bench.run(tiny.heads().state_dict()).remarks
    assert "temperature of quantity and relation is exactly 0.1" in remark


def test_nothing_is_read_when_there_is_no_place_for_it(bench: Bench) -> None:
    tiny.write_heads(bench.root / "out")
    with pytest.raises(OutputError, match="add --overwrite"):
        bench.run(None)


def test_a_classifier_becomes_a_folder_that_any_tool_can_load(tmp_path: Path) -> None:
    source = tiny.write_classifier(tmp_path / "source", tuple(MAXIMS))
    record = import_classifier(str(source), None, Destination(tmp_path / "out"))
    assert "never calibrated" in record.remarks[0]
    before, after = (load_detector(f, CPU, "fp32") for f in (source, tmp_path / "out"))
    np.testing.assert_array_equal(before.judge([TEXT]).logits, after.judge([TEXT]).logits)


def test_a_classifier_takes_temperatures_too(bench: Bench) -> None:
    source = tiny.write_classifier(bench.root / "source", tuple(MAXIMS))
    record = import_classifier(str(source), bench.temperatures, Destination(bench.root / "out"))
    assert record.temperatures.model_dump() == TEMPERATURES
    assert record.remarks == ()
