"""Types of several kinds, driven through the real pipeline in bf16 (`make models`: all)."""

import pytest

from tests.models.examine import examine

# Each architecture brings warnings of its own; what matters of them is refused or told.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize(
    ("name", "result"),
    [
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
    ],
)
def test_rounding_is_no_larger_than_the_plain_models(name, result, tmp_path):
    row = examine(name, "bf16", tmp_path / "run")
    assert row.result == result
    assert row.lora_share > 0.9


def test_what_transformers_cannot_run_in_bf16_is_refused_with_the_way_out(tmp_path):
    row = examine("dbrx", "bf16", tmp_path / "run")
    assert row.result == "refused"
    assert row.why.endswith("choose --precision fp32")
