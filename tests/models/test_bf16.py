"""Types of several kinds, driven through the real pipeline in bf16; what is tried of them here, and where
the rest, is as in `test_fp32`."""

import pytest

from tests.models.examine import examine, try_out

# Each architecture brings warnings of its own; what matters of them is refused or told.
pytestmark = pytest.mark.filterwarnings("default")


TYPES = [
    # Rotary embeddings that leave query and key in another format than value.
    ("llama", "shared"),
    ("qwen3", "shared"),
    ("gemma", "shared"),
    ("phi3", "shared"),
    ("gpt_neox", "shared"),
    ("glm4", "shared"),
    ("olmoe", "shared"),
    ("mistral", "separate"),
    # Logits that are capped or scaled.
    ("gemma2", "separate"),
    ("granite", "shared"),
]
REPRESENTATIVE = {"llama", "gemma2", "olmoe"}
"""One of each way to be run, and one with experts."""


@pytest.mark.parametrize(("name", "result"), [one for one in TYPES if one[0] not in REPRESENTATIVE])
def test_how_a_base_is_run_is_found_out_before_training(name, result, tmp_path):
    check(try_out(name, "bf16", tmp_path / "run"), result)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        pytest.param(*one, marks=[] if one[0] in REPRESENTATIVE else pytest.mark.stack)
        for one in TYPES
    ],
)
def test_rounding_is_no_larger_than_the_plain_models(name, result, tmp_path):
    check(examine(name, "bf16", tmp_path / "run"), result)


def check(row, result):
    assert row.result == result
    assert row.lora_share > 0.9


def test_what_transformers_cannot_run_in_bf16_is_refused_with_the_way_out(tmp_path):
    row = examine("dbrx", "bf16", tmp_path / "run")
    assert row.result == "refused"
    assert row.why.endswith("choose --precision fp32")
