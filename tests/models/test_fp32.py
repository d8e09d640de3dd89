"""Types of every kind of difficulty, driven through the real pipeline in fp32.

Of most, only how they are run is found out here; that training and answers are then exact, `make stack` shows,
and `make models` for every type there is.
"""

import pytest

from tests.models.examine import examine, try_out

# Each architecture brings warnings of its own; what matters of them is refused or told.
pytestmark = pytest.mark.filterwarnings("default")


TYPES = [
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
]
REPRESENTATIVE = {"gpt2", "mixtral", "lfm2+init", "mamba", "phi3+longrope", "bart", "laguna"}
"""One of each way to be run, with experts and without, and one that is refused."""


@pytest.mark.parametrize(
    ("name", "result", "why"), [one for one in TYPES if one[0] not in REPRESENTATIVE]
)
def test_how_a_base_is_run_is_found_out_before_training(name, result, why, tmp_path):
    check(try_out(name, "fp32", tmp_path / "run"), result, why)


@pytest.mark.parametrize(
    ("name", "result", "why"),
    [
        pytest.param(*one, marks=[] if one[0] in REPRESENTATIVE else pytest.mark.stack)
        for one in TYPES
    ],
)
def test_a_base_is_exact_or_refused_before_training(name, result, why, tmp_path):
    check(examine(name, "fp32", tmp_path / "run"), result, why)


def check(row, result, why):
    assert row.result == result
    assert why in row.why
    assert result == "refused" or row.lora_share > 0.5


@pytest.mark.parametrize("name", ["bert", "xlnet", "xlm", "doge+kept"])
def test_what_is_not_causal_is_refused_before_training(name, tmp_path):
    row = examine(name, "fp32", tmp_path / "run")
    assert row.result == "refused"
    assert "is no causal language model" in row.why
    assert "\n" not in row.why
