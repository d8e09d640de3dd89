from types import SimpleNamespace
from typing import Any

import pytest
import torch

from grice_core.evaluation import batching
from grice_core.evaluation.batching import rows_that_fit, rows_to_admit

PROMPTS = [(1, 2, 3), (4,)]


def model(**config: Any) -> Any:
    known = SimpleNamespace(**config)
    known.get_text_config = lambda **_: known
    return SimpleNamespace(config=known, parameters=lambda: iter([torch.zeros(1)]))


def test_a_batch_has_as_many_rows_as_a_share_of_the_machines_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 2 · 4 layers · 2 heads · 8 wide · 4 bytes = 512 bytes a token; 3 + 5 tokens: 4,096 a row.
    small = model(num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, hidden_size=32)
    monkeypatch.setattr(batching, "total_bytes", lambda _: 32 * 4096 * 20)
    assert rows_that_fit(small, PROMPTS, 5, torch.float32) == 20
    assert rows_that_fit(small, PROMPTS, 5, torch.bfloat16) == 40
    assert rows_that_fit(small, PROMPTS, 500, torch.float32) == 1
    small.config.head_dim = 32
    assert rows_that_fit(small, PROMPTS, 5, torch.float32) == 5
    monkeypatch.setattr(batching, "total_bytes", lambda _: 2**50)
    assert rows_that_fit(small, PROMPTS, 5, torch.float32) == batching.MOST_ROWS


def test_a_model_that_does_not_say_what_it_keeps_of_a_token_has_the_usual_batch() -> None:
    unknown = model(num_attention_heads=[4, 8], num_hidden_layers=2, hidden_size=32)
    assert rows_that_fit(unknown, PROMPTS, 5, torch.float32) == batching.USUAL_ROWS


def waiting(*lengths: int) -> list[tuple[int, ...]]:
    return [(0,) * length for length in lengths]


def test_rows_join_as_soon_as_a_quarter_of_the_batch_has_ended() -> None:
    assert rows_to_admit(waiting(*[10] * 50), 0, 8) == 8
    assert rows_to_admit(waiting(*[10] * 50), 7, 8) == 0
    assert rows_to_admit(waiting(*[10] * 50), 6, 8) == 2
    assert rows_to_admit(waiting(10), 7, 8) == 1  # the last one
    assert rows_to_admit(waiting(10, 10), 7, 8) == 0
    assert rows_to_admit([], 2, 8) == 0


def test_no_more_prompts_are_read_in_one_pass_than_their_tokens_allow() -> None:
    assert rows_to_admit(waiting(500, *[10] * 50), 0, 64) == 2
    assert rows_to_admit(waiting(5000, 10), 0, 64) == 1
