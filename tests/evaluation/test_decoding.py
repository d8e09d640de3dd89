from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2LMHeadModel

from grice_core.evaluation.decoding import Decoder, choose_decoding
from grice_core.kernels import cache
from grice_core.kernels.choice import plain_kernels
from tests.models.build import build

PROMPTS = [tuple(range(1, 9)), tuple(range(20, 43)), tuple(range(50, 90))]
"""Of lengths below and beyond windows of 16."""


@pytest.mark.parametrize(
    ("name", "decoding"),
    [
        ("gpt2", "refilled"),
        ("llama", "refilled"),
        ("mistral", "batched"),  # a cache of its last tokens only
        ("gemma2", "batched"),
        ("lfm2", "batched"),  # a hybrid cache, from which rows can't be selected
        ("bart", "alone"),  # positions counted by the cache, padding and all
        ("marian", "alone"),
        ("trocr", "alone"),
        ("rwkv", "whole"),  # no cache under the usual name
        ("mamba", "whole"),
        ("recurrent_gemma", "whole"),
        ("openai-gpt", "whole"),
        ("zamba2", "whole"),  # a cache whose numbers are others
    ],
)
def test_the_fastest_way_that_is_exact_is_taken(name, decoding):
    assert choose_decoding(build(name), PROMPTS, max_new_tokens=12) == decoding


class CacheByItsNewName(GPT2LMHeadModel):
    """As transformers 5.24 and later have it."""

    def forward(
        self,
        input_ids,
        attention_mask=None,
        position_ids=None,
        cache=None,
        use_cache=None,
        logits_to_keep=0,
    ):
        output = super().forward(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
        )
        return SimpleNamespace(logits=output.logits, cache=output.past_key_values)


def test_a_cache_is_found_by_either_name():
    model = build("gpt2")
    model.__class__ = CacheByItsNewName
    assert choose_decoding(model, PROMPTS, max_new_tokens=12) == "refilled"


def test_positions_that_depend_on_the_length_need_whole_passes():
    model = build("phi3+longrope")
    assert choose_decoding(model, PROMPTS, max_new_tokens=40) == "whole"
    assert choose_decoding(model, PROMPTS[:1], max_new_tokens=8) == "refilled"


def assert_exact(model, rows, found):
    """The logits are those of each row alone, in a plain pass."""
    for row, own in zip(rows, found, strict=True):
        plain = model(input_ids=torch.tensor([row])).logits[0, -1]
        torch.testing.assert_close(own, plain, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["gpt2", "llama", "lfm2", "qwen3_next"])
@torch.no_grad()
def test_rows_that_end_leave_the_others_as_they_were(name):
    model = build(name)
    decoder, rows = Decoder(model, "batched", 3), [list(prompt) for prompt in PROMPTS]
    found = decoder.admit(PROMPTS)
    for step in range(3):
        assert_exact(model, rows, found)
        if step:
            rows = rows[1:]
            decoder.keep(range(1, len(rows) + 1))
        rows = [[*row, 7 + step] for row in rows]
        found = decoder.step([7 + step] * len(rows))


@pytest.mark.parametrize("plain", [False, True], ids=["fast", "plain"])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
@torch.no_grad()
def test_rows_that_join_find_the_others_as_they_were(name, plain, monkeypatch):
    """Shorter and longer ones, after the longest has gone, and one twice; with room made several times."""
    monkeypatch.setattr(cache, "GROWTH", 3)
    model = build(name)
    with plain_kernels() if plain else nullcontext():
        decoder, rows = Decoder(model, "refilled", 3), [list(prompt) for prompt in PROMPTS[1:]]
        decoder.admit(PROMPTS[1:])
        for step in range(12):
            rows = [[*row, 7 + step] for row in rows]
            found = decoder.step([7 + step] * len(rows))
            if step in (2, 5):
                decoder.keep([0, *range(2, len(rows))])
                rows = [rows[0], *rows[2:]]
                coming = [PROMPTS[0], PROMPTS[0]] if step == 2 else [PROMPTS[2], PROMPTS[1]]
                assert decoder.takes_more
                assert_exact(model, coming, decoder.admit(coming))
                rows += map(list, coming)
        assert_exact(model, rows, found)
    assert len(rows) == 4
