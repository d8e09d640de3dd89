import pytest
import torch

from grice_core import frozen
from grice_core.dpo.passes import PassChoice, choose_passes
from grice_core.dpo.policy import add_adapter, reference
from tests.dpo import tiny

PAIRS = tiny.encoded_pairs(6)
LONGEST = max(len(pair.prompt) + max(map(len, (pair.chosen, pair.rejected))) for pair in PAIRS)


def choose_as_a_stage_does(model, dtype=torch.float32) -> PassChoice:
    """By the layers that a stage trains with, its adapter off."""
    with reference(add_adapter(tiny.base(model), tiny.stage().lora, seed=0)) as policy:
        return choose_passes(policy, PAIRS, dtype)


@pytest.mark.parametrize(
    "build",
    [
        tiny.gpt2,
        tiny.llama,
        lambda: tiny.architecture("qwen2"),
        lambda: tiny.architecture("qwen3", head_dim=8),
        lambda: tiny.architecture("mistral"),
        lambda: tiny.architecture("gpt_neox", num_key_value_heads=4),
        lambda: tiny.architecture("phi3"),
        lambda: tiny.architecture("opt", ffn_dim=64, word_embed_proj_dim=32, pad_token_id=1),
        lambda: tiny.architecture("gemma3_text", head_dim=8),
    ],
    ids=["gpt2", "llama", "qwen2", "qwen3", "mistral", "gpt_neox", "phi3", "opt", "gemma3"],
)
def test_these_architectures_share_the_prompt(build):
    for choice in (choose_passes(build(), PAIRS), choose_as_a_stage_does(build())):
        assert choice.passes == "shared"
        assert choice.reason.startswith("shared passes equal separate ones to ")


@pytest.mark.parametrize(
    ("model_type", "changes", "reason"),
    [
        ("gemma2", {"head_dim": 8}, "its attention uses softcap"),
        ("stablelm", {}, "it passes nothing of ours on to its attention"),
        ("bloom", {"n_head": 4}, "BloomForCausalLM has attention code of its own"),
        ("gptj", {"rotary_dim": 4}, "GPTJForCausalLM has attention code of its own"),
    ],
)
def test_these_architectures_fall_back_and_say_why(model_type, changes, reason):
    model = tiny.architecture(model_type, **changes)
    for choice in (choose_passes(model, PAIRS), choose_as_a_stage_does(model)):
        assert choice.passes == "separate"
        assert choice.reason == f"separate passes: {reason}"


def test_a_window_matters_only_if_it_is_narrower_than_the_pairs():
    narrow = tiny.architecture("mistral", sliding_window=LONGEST - 1)
    wide = tiny.architecture("mistral", sliding_window=LONGEST)
    assert choose_passes(narrow, PAIRS).reason.endswith(f"window is {LONGEST - 1} tokens")
    assert choose_passes(wide, PAIRS).passes == "shared"


def test_a_difference_between_the_passes_is_told():
    model = tiny.gpt2()
    # Absolute positions taken from the place in the row, whatever position_ids say.
    positions = model.transformer.wpe
    positions.register_forward_pre_hook(lambda _, ids: ids[0].new_tensor([range(ids[0].shape[1])]))
    choice = choose_passes(model, PAIRS)
    assert choice.passes == "separate"
    assert choice.reason.startswith("separate passes: shared ones differ by ")


def test_numbers_that_are_none_agree_with_nothing():
    model = tiny.gpt2()

    def spoil(_, __, states):  # what stands in a single row, as trees do
        return states * float("nan") if states.shape[0] == 1 else states

    model.transformer.ln_f.register_forward_hook(spoil)
    assert choose_passes(model, PAIRS).reason == "separate passes: shared ones differ by nan"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_laid_out_only_if_the_run_needs_these_layouts_too(dtype, monkeypatch):
    laid_out: list[torch.dtype] = []
    lay_out = frozen._laid_out

    def noting(weight: torch.Tensor) -> torch.Tensor:
        laid_out.append(weight.dtype)
        return lay_out(weight)

    monkeypatch.setattr(frozen, "SMALLEST", 1)
    monkeypatch.setattr(frozen, "_laid_out", noting)
    assert choose_as_a_stage_does(tiny.gpt2(), dtype).passes == "shared"
    assert set(laid_out) == ({torch.float32} if dtype == torch.float32 else set())
