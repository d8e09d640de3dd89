import pytest
import torch
from peft import PeftModel

from grice_core.dpo.adapters import adapter_of, compose, load_adapter, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.policy import add_adapter, merge_adapter
from grice_core.dpo.targets import linear_targets, reach_of
from grice_core.recipes.config import LoraSettings
from tests.models.build import build

LORA = LoraSettings(r=4, alpha=8, dropout=0.05)
ROW = torch.arange(1, 41)[None]
EXPERTS = ["mixtral", "qwen3_moe", "qwen2_moe", "deepseek_v3", "gpt_oss", "granitemoe", "jetmoe"]


def base(name: str) -> BaseModel:
    return BaseModel("tiny", build(name), None)


def taught(start: BaseModel, seed: int) -> PeftModel:
    policy = add_adapter(start, LORA, seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, parameter in policy.named_parameters():
            if ".lora_B." in key:
                parameter.normal_(std=0.05, generator=draw)
    return policy.eval()


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ROW).logits


@pytest.mark.parametrize("name", ["gpt2", "llama", *EXPERTS])
def test_most_weights_are_reached_experts_too(name):
    reach = reach_of(add_adapter(base(name), LORA, seed=0))
    assert reach.share > 0.9


def test_gpt2_is_adapted_where_the_recipe_says():
    assert linear_targets(build("gpt2")).modules == ("c_attn", "c_fc", "c_proj")


@pytest.mark.parametrize("name", ["llama4_text", "phimoe", "jamba", "mixtral"])
def test_what_chooses_experts_is_left_alone(name):
    policy = add_adapter(base(name), LORA, seed=0)
    logits(policy.eval())  # a wrapped router would raise
    assert not [key for key, _ in policy.named_parameters() if "router" in key and "lora" in key]


@pytest.mark.parametrize("name", ["mamba", "mamba2", "falcon_h1", "bamba", "zamba2", "nemotron_h"])
def test_what_mamba_kernels_read_past_its_forward_pass_is_left_alone(name):
    targets = linear_targets(build(name))
    assert not [module for module in targets.modules if module.endswith("mamba.out_proj")]
    assert not {"out_proj", "x_proj", "dt_proj"} & set(targets.modules)
    add_adapter(base(name), LORA, seed=0)


def test_a_subclass_of_a_linear_layer_that_does_something_else_is_left_alone():
    policy = add_adapter(base("deepseek_v4"), LORA, seed=0)
    assert not [key for key, _ in policy.named_parameters() if "o_a_proj.lora" in key]
    assert [key for key, _ in policy.named_parameters() if "lora" in key]


@pytest.mark.parametrize("name", ["zamba", "zamba2"])
def test_merged_an_adapter_is_what_it_was_though_layers_share_weights(name):
    policy = taught(base(name), seed=1)
    expected, before = logits(policy), logits(build(name))
    merged = logits(policy.merge_and_unload())
    assert (expected - before).abs().max() > 0.01
    torch.testing.assert_close(merged, expected, rtol=0, atol=1e-3)


def test_what_is_left_out_is_told_by_its_size():
    reach = reach_of(add_adapter(base("rwkv"), LORA, seed=0))
    assert 0 < reach.share < 1
    whole = reach_of(add_adapter(base("llama"), LORA, seed=0))
    assert whole.left_out == ()


@pytest.mark.parametrize("name", EXPERTS)
def test_linear_layers_beside_experts_keep_their_dropout(name):
    policy = add_adapter(base(name), LORA, seed=0)
    drops = {
        getattr(module, "p", 0.0)
        for key, module in policy.named_modules()
        if key.endswith("lora_dropout.default")
    }
    assert 0.05 in drops


@pytest.mark.parametrize("name", ["gpt2", "llama", "falcon", *EXPERTS, "ernie4_5_moe", "olmoe"])
def test_two_stages_composed_are_one_adapter_that_stock_peft_loads(name, tmp_path):
    first = taught(base(name), seed=1)
    save_adapter(adapter_of(first), tmp_path / "first")
    second = taught(merge_adapter(base(name), first), seed=2)
    both = compose(load_adapter(tmp_path / "first"), adapter_of(second))
    save_adapter(both, tmp_path / "both")
    published = PeftModel.from_pretrained(build(name), tmp_path / "both").eval()
    expected, before = logits(second), logits(build(name))
    assert (expected - before).abs().max() > 0.01
    torch.testing.assert_close(
        logits(published), expected, rtol=0, atol=2e-4 * float(expected.abs().max())
    )
