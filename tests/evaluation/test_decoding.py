import pytest
import torch

from grice_core.evaluation.decoding import Decoder, choose_decoding
from tests.models.build import build

PROMPTS = [tuple(range(1, 9)), tuple(range(20, 43)), tuple(range(50, 90))]
"""Of lengths below and beyond windows of 16."""


@pytest.mark.parametrize(
    ("name", "decoding"),
    [
        ("gpt2", "batched"),
        ("llama", "batched"),
        ("mistral", "batched"),
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


def test_positions_that_depend_on_the_length_need_whole_passes():
    model = build("phi3+longrope")
    assert choose_decoding(model, PROMPTS, max_new_tokens=40) == "whole"
    assert choose_decoding(model, PROMPTS[:1], max_new_tokens=8) == "batched"


@pytest.mark.parametrize("name", ["gpt2", "llama", "lfm2", "qwen3_next"])
def test_rows_that_end_leave_the_others_as_they_were(name):
    model = build(name)
    decoder, rows = Decoder(model, PROMPTS, "batched"), [list(prompt) for prompt in PROMPTS]
    with torch.no_grad():
        for step in range(3):
            found = decoder.logits()
            for row, own in zip(rows, found, strict=True):
                plain = model(input_ids=torch.tensor([row])).logits[0, -1]
                torch.testing.assert_close(own, plain, rtol=0, atol=1e-3)
            kept = list(range(len(rows)))[1:] if step else list(range(len(rows)))
            rows = [[*rows[place], 7 + step] for place in kept]
            decoder.append([7 + step] * len(kept), kept)
