"""A detector that is yet to be trained."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config

from grice_core.detector.fit import Place
from grice_core.detector.student import new_student
from grice_core.errors import DetectorError
from tests.detector import tiny

CPU = Place(torch.device("cpu"), torch.float32)


def gpt2_config() -> GPT2Config:
    return GPT2Config(vocab_size=len(tiny.WORDS), n_embd=16, n_layer=2, n_head=2, n_positions=64)


@pytest.mark.parametrize("config", [tiny.bert_config(), tiny.deberta_config()])
def test_an_encoder_that_reads_both_ways_may_be_read_at_its_first_token(
    config: Any, tmp_path: Path
) -> None:
    encoder = tiny.write_encoder(tmp_path, config)
    assert new_student(str(encoder), "cls", CPU, seed=0).start == "starting from random weights"


def test_the_first_token_of_one_that_reads_from_left_to_right_is_refused(tmp_path: Path) -> None:
    encoder = str(tiny.write_encoder(tmp_path, gpt2_config()))
    with pytest.raises(DetectorError, match=r"from left to right.*pooling cls\+response_max"):
        new_student(encoder, "cls", CPU, seed=0)
    assert new_student(encoder, "cls+response_max", CPU, seed=0).architecture.hidden_widths == (8,)
