"""The frozen attention and its plain twin compute what the stock one does."""

import copy
from typing import Any

import pytest
import torch
from transformers import AutoModel, DebertaV2Config, DebertaV2ForSequenceClassification

from grice_core.detector.model import DetectorModel, LabelClassifier
from grice_core.detector.record import HeadsArchitecture
from grice_core.kernels.deberta import FrozenDisentangledAttention, speed_up
from grice_core.maxims import MAXIMS
from tests.detector import tiny


def encoder_of(config: Any) -> Any:
    """An encoder with weights large enough that positions matter."""
    torch.manual_seed(0)
    encoder = AutoModel.from_config(config).eval().requires_grad_(False)
    for parameter in encoder.parameters():
        parameter.mul_(4)
    return encoder


def inputs(length: int) -> dict[str, torch.Tensor]:
    """Three texts of that many tokens, one of them padded on the right."""
    ids = torch.randint(4, len(tiny.WORDS), (3, length))
    mask = torch.ones_like(ids)
    mask[0, length // 2 + 1 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("position_buckets", [8, -1])
@pytest.mark.parametrize("lengths", [(1, 5), (60, 20), (5, 60)])
def test_states_are_those_of_the_stock_attention(
    lengths: tuple[int, ...], position_buckets: int
) -> None:
    config: DebertaV2Config = tiny.deberta_config()
    config.position_buckets = position_buckets
    stock = encoder_of(config)
    frozen = copy.deepcopy(stock)
    assert speed_up(frozen, first_token_only=False) == config.num_hidden_layers
    for length in lengths:  # the second time with the projections that were kept, if they suffice
        texts = inputs(length)
        present = texts["attention_mask"].bool()
        expected = stock(**texts).last_hidden_state[present]
        states = frozen(**texts).last_hidden_state[present]
        torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 5, 60])
def test_the_first_tokens_state_is_that_of_the_stock_encoder(length: int, kernels: str) -> None:
    stock = encoder_of(tiny.deberta_config())
    frozen = copy.deepcopy(stock)
    speed_up(frozen, first_token_only=True)
    texts = inputs(length)
    states = frozen(**texts).last_hidden_state
    assert states.shape[1] == (1 if kernels == "fast" else length)
    expected = stock(**texts).last_hidden_state[:, :1]
    torch.testing.assert_close(states[:, :1], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("kind", ["cls", "cls+response_max", "classifier"])
def test_every_kind_of_detector_gets_the_states_that_it_reads(kind: str) -> None:
    stock = detector_of(kind)
    frozen = copy.deepcopy(stock)
    assert speed_up(frozen.network, first_token_only=frozen.reads_first_token_only) > 0
    texts = inputs(20)
    mask = texts["attention_mask"].bool()
    with torch.inference_mode():
        expected = stock(**texts, response_mask=mask)
        torch.testing.assert_close(
            frozen(**texts, response_mask=mask), expected, rtol=1e-4, atol=1e-4
        )


def detector_of(kind: str) -> DetectorModel:
    """A DeBERTa with heads on one of two poolings, or with labels for the maxims."""
    config: DebertaV2Config = tiny.deberta_config()
    if kind != "classifier":
        architecture = HeadsArchitecture.model_validate({"pooling": kind, "hidden_widths": (8,)})
        return tiny.heads(architecture, config)
    config.id2label = dict(enumerate(MAXIMS))
    torch.manual_seed(0)
    return LabelClassifier(DebertaV2ForSequenceClassification(config).eval())


def test_a_single_layer_still_gives_all_states() -> None:
    config: DebertaV2Config = tiny.deberta_config()
    config.num_hidden_layers = 1
    frozen = encoder_of(config)
    speed_up(frozen, first_token_only=True)
    assert frozen(**inputs(5)).last_hidden_state.shape[1] == 5


def test_all_texts_at_once_give_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on a GPU, on a CPU."""
    frozen = encoder_of(tiny.deberta_config())
    speed_up(frozen, first_token_only=True)
    texts = inputs(20)
    expected = frozen(**texts).last_hidden_state
    at_once = FrozenDisentangledAttention.all_at_once
    monkeypatch.setattr(FrozenDisentangledAttention, "text_by_text", at_once)
    states = frozen(**texts).last_hidden_state
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)


def test_other_encoders_are_left_alone() -> None:
    assert speed_up(encoder_of(tiny.bert_config()), first_token_only=True) == 0


def test_other_kinds_of_relative_attention_are_left_alone() -> None:
    config: DebertaV2Config = tiny.deberta_config()
    config.pos_att_type = ["c2p"]
    encoder = encoder_of(config)
    assert speed_up(encoder, first_token_only=True) == 0
    assert not any(isinstance(part, FrozenDisentangledAttention) for part in encoder.modules())
    assert encoder(**inputs(5)).last_hidden_state.shape[1] == 5
