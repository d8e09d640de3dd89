import pytest
import torch
from transformers import PreTrainedModel

from grice_core.dpo.base import BaseModel
from grice_core.dpo.passes import PassChoice, choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.errors import PreflightError
from grice_core.kernels import linear
from grice_core.kernels.choice import uses_plain
from tests.dpo import tiny

PAIRS = tiny.encoded_pairs(6)
LONGEST = max(len(pair.prompt) + max(map(len, (pair.chosen, pair.rejected))) for pair in PAIRS)


def choose(model, dtype=torch.float32) -> PassChoice:
    """By the layers that a stage trains with."""
    base = BaseModel("tiny", model, tiny.tokenizer())
    return choose_passes(add_adapter(base, tiny.stage().lora, seed=0), PAIRS, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
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
def test_these_architectures_share_the_prompt(build, dtype):
    choice = choose(build(), dtype)
    assert choice.passes == "shared"
    assert choice.reason.startswith("shared passes equal the plain model's to ")


@pytest.mark.parametrize(
    ("model_type", "changes", "reason"),
    [
        ("gemma2", {"head_dim": 8}, "its attention uses softcap"),
        ("stablelm", {}, "it passes nothing of ours on to its attention"),
        ("bloom", {"n_head": 4}, "BloomForCausalLM takes no positions from outside"),
        ("gptj", {"rotary_dim": 4}, "GPTJForCausalLM has attention code of its own"),
    ],
)
def test_these_architectures_fall_back_and_say_why(model_type, changes, reason):
    choice = choose(tiny.architecture(model_type, **changes))
    assert choice.passes == "separate"
    assert choice.reason.endswith(f"; shared ones fail: {reason}")


def test_a_window_matters_only_if_it_is_narrower_than_the_pairs():
    narrow = tiny.architecture("mistral", sliding_window=LONGEST - 1)
    wide = tiny.architecture("mistral", sliding_window=LONGEST)
    assert choose(narrow).reason.endswith(f"window is {LONGEST - 1} tokens")
    assert choose(wide).passes == "shared"


def test_positions_that_are_not_those_given_are_seen():
    model = tiny.gpt2()
    # Absolute positions taken from the place in the row, whatever position_ids say.
    positions = model.transformer.wpe
    positions.register_forward_pre_hook(lambda _, ids: ids[0].new_tensor([range(ids[0].shape[1])]))
    choice = choose(model)
    assert choice.passes == "separate"
    assert "shared ones differ by " in choice.reason


def test_positions_that_do_not_start_at_0_are_the_plain_models():
    model = tiny.gpt2()
    given = []

    def later(_, ids):  # what an architecture does by itself, if it is given no positions
        given.append(ids[0])
        return ids[0] + 2

    model.transformer.wpe.register_forward_pre_hook(later)
    assert choose(model).passes == "shared"  # the hook shifts given positions as it does its own
    assert given


@pytest.mark.parametrize("strength", [1.0, 1e-3, 1e-6])
def test_the_slightest_leak_between_responses_keeps_passes_apart(strength):
    model = tiny.llama()

    def leak(
        _, __, states
    ):  # as a short convolution does: each token gets some of the one before it
        return states + strength * states.roll(1, dims=1)

    model.model.layers[0].mlp.register_forward_hook(leak)
    assert "shared ones let one response see another" in choose(model).reason


class HalfTheGradient(torch.autograd.Function):
    """The same numbers, and half of their gradient."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient / 2


def test_equal_values_with_another_gradient_do_not_pass():
    model = tiny.llama()

    def spoil(_, __, states):
        shared = model.config._attn_implementation == "grice_tree"
        return HalfTheGradient.apply(states) if shared else states

    model.model.layers[1].input_layernorm.register_forward_hook(spoil)
    assert "shared ones have gradients that differ by " in choose(model).reason


def test_numbers_that_are_none_agree_with_nothing():
    model = tiny.gpt2()

    def spoil(_, __, states):
        shared = model.config._attn_implementation == "grice_tree"
        return states * float("nan") if shared else states

    model.transformer.ln_f.register_forward_hook(spoil)
    assert "shared ones" in (reason := choose(model).reason)
    assert "nan" in reason or "see another" in reason


def test_rows_whose_length_matters_are_run_alone():
    model = tiny.gpt2()

    def depend(_, __, states):  # as LongRoPE does: all of a row is another beyond a length
        return states * (1.5 if states.shape[1] > LONGEST - 2 else 1.0)

    model.transformer.h[0].mlp.register_forward_hook(depend)
    choice = choose(model)
    assert choice.passes == "single"
    assert choice.reason.startswith("separate passes of one row equal the plain model's to ")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_model_that_is_never_the_same_twice_is_refused(dtype):
    model = tiny.gpt2()
    model.transformer.ln_f.register_forward_hook(
        lambda _, __, states: states + 0.1 * torch.randn_like(states)
    )
    with pytest.raises(
        PreflightError, match="can't be run so that its log-probabilities are those"
    ):
        choose(model, dtype)


def test_a_model_that_transformers_cannot_run_in_bf16_is_refused_with_the_way_out():
    def fail(*_):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("expected scalar type Float but found BFloat16")

    def failing() -> PreTrainedModel:
        model = tiny.llama()
        model.model.layers[0].mlp.register_forward_pre_hook(fail)
        return model

    assert choose(failing()).passes == "shared"
    with pytest.raises(PreflightError, match=r"in bf16 .*: choose --precision fp32"):
        choose(failing(), torch.bfloat16)


@pytest.mark.skipif(uses_plain(), reason="plain kernels prepack nothing")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_prepacked_only_in_the_dtype_that_the_run_uses(dtype, monkeypatch):
    packed: list[torch.dtype] = []
    pack = linear._prepacked

    def noting(weight: torch.Tensor) -> torch.Tensor:
        packed.append(weight.dtype)
        return pack(weight)

    monkeypatch.setattr(linear, "SMALLEST", 1)
    monkeypatch.setattr(linear, "_prepacked", noting)
    assert choose(tiny.gpt2(), dtype).passes == "shared"
    assert set(packed) == ({torch.float32} if dtype == torch.float32 else set())
