"""The frozen attention gives what the stock one gives."""

import copy
from typing import Any

import pytest
import torch
from transformers import AutoModel, DebertaV2Config

from grice_core.detector.deberta import FrozenDisentangledAttention, speed_up
from tests.detector import tiny


def encoder_of(config: Any) -> Any:
    """An encoder with weights large enough that positions matter."""
    torch.manual_seed(0)
    encoder = AutoModel.from_config(config).eval().requires_grad_(False)
    for parameter in encoder.parameters():
        parameter.mul_(4)
    return encoder


@pytest.mark.parametrize("position_buckets", [8, -1])
@pytest.mark.parametrize("length", [1, 5, 20, 60])
def test_states_are_those_of_the_stock_attention(length: int, position_buckets: int) -> None:
    config: DebertaV2Config = tiny.deberta_config()
    config.position_buckets = position_buckets
    stock = encoder_of(config)
    frozen = copy.deepcopy(stock)
    assert speed_up(frozen) == config.num_hidden_layers
    ids = torch.randint(4, len(tiny.WORDS), (3, length))
    mask = torch.ones_like(ids)
    mask[0, length // 2 + 1 :] = 0
    for _ in range(2):  # the second time with the projections that were kept
        expected = stock(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]
        states = frozen(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]
        torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)


def test_other_encoders_are_left_alone() -> None:
    assert speed_up(encoder_of(tiny.bert_config())) == 0


def test_other_kinds_of_relative_attention_are_left_alone() -> None:
    config: DebertaV2Config = tiny.deberta_config()
    config.pos_att_type = ["c2p"]
    encoder = encoder_of(config)
    assert speed_up(encoder) == 0
    assert not any(isinstance(part, FrozenDisentangledAttention) for part in encoder.modules())
