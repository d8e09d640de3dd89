"""Types of every kind of difficulty, driven through the real pipeline in fp32 (`make models`: all)."""

import pytest

from tests.models.examine import examine

# Each architecture brings warnings of its own; what matters of them is refused or told.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize(
    ("name", "result", "why"),
    [
        ("gpt2", "shared", "shared passes equal the plain model's"),
        ("cohere", "shared", ""),  # multiplies its logits
        ("opt", "shared", ""),  # positions that begin at 2
        ("mixtral", "shared", ""),  # experts as one weight
        ("qwen3_moe", "shared", ""),
        ("deepseek_v3", "shared", ""),  # dense layers named as experts were once
        ("jetmoe", "shared", ""),  # experts in the attention
        ("phimoe", "shared", ""),  # a router that looks like a linear layer
        ("llama4_text", "separate", "answers one at a time"),  # another router; chunked attention
        ("gpt_oss", "separate", "its attention uses s_aux"),
        ("lfm2+init", "separate", "let one response see another"),  # a leak of 1e-6
        ("qwen3_next", "separate", "shared ones"),  # a hybrid cache
        ("falcon_h1", "separate", "shared ones"),
        ("mamba", "separate", "answers without a cache"),
        ("roberta+decoder", "separate", "answers one at a time"),  # positions of its own
        ("phi3+longrope", "separate", "passes of one row"),  # positions by the row's length
        ("bart", "separate", "answers one at a time"),  # positions counted by the cache
        ("trocr", "separate", "answers one at a time"),
        ("laguna", "refused", "PEFT does not find all of LoRA's layers again"),
    ],
)
def test_a_base_is_exact_or_refused_before_training(name, result, why, tmp_path):
    row = examine(name, "fp32", tmp_path / "run")
    assert row.result == result
    assert why in row.why
    assert result == "refused" or row.lora_share > 0.5


@pytest.mark.parametrize("name", ["bert", "xlnet", "xlm", "doge+kept"])
def test_what_is_not_causal_is_refused_before_training(name, tmp_path):
    row = examine(name, "fp32", tmp_path / "run")
    assert row.result == "refused"
    assert "is no causal language model" in row.why
    assert "\n" not in row.why
