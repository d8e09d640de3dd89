import copy

import pytest
import torch
from peft import PeftModel

from grice_core.dpo.adapters import adapter_of, compose, load_adapter, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.policy import add_adapter, merge_adapter, merge_saved
from grice_core.errors import ModelError
from grice_core.recipes.config import LoraSettings
from tests.dpo import tiny

IDS = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8]])
ATTENTION = {"gpt2": ("c_attn",), "llama": ("q_proj", "v_proj")}


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def stage(base, seed, **settings):
    """A policy whose adapter has learned something, as far as its numbers tell."""
    settings = {"r": 4, "alpha": 8, "dropout": 0.0} | settings
    policy = add_adapter(base, LoraSettings(**settings), seed).eval()
    torch.manual_seed(seed + 100)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return policy


def loaded(model, adapter, folder):
    """The adapter on a fresh copy of the base, as anybody with stock PEFT would load it.

    A warning on the way would fail the test.
    """
    save_adapter(adapter, folder)
    return PeftModel.from_pretrained(copy.deepcopy(model), str(folder))


def train_stages(model, *settings):
    """Adapters of stages that each start from the ones before, and the last stage's logits."""
    base = tiny.base(model)
    adapters, out = [], logits(base.model)
    for seed, changes in enumerate(settings):
        policy = stage(base, seed, **changes)
        assert (logits(policy) - out).abs().max() > 0.01  # each stage changes something
        out = logits(policy)
        adapters.append(adapter_of(policy))
        base = merge_adapter(base, policy)
    return adapters, out


@pytest.mark.parametrize("architecture", [tiny.gpt2, tiny.llama])
def test_a_saved_adapter_gives_the_policy_under_stock_peft(architecture, tmp_path):
    model = architecture()
    (adapter,), expected = train_stages(model, {})
    torch.testing.assert_close(logits(loaded(model, adapter, tmp_path)), expected)


@pytest.mark.parametrize("architecture", [tiny.gpt2, tiny.llama])
@pytest.mark.parametrize(
    "second", [{}, {"r": 2, "alpha": 32}, {"r": 8, "alpha": 6, "target_modules": "attention"}]
)
def test_two_composed_stages_equal_the_second_on_the_merged_first(architecture, second, tmp_path):
    model = architecture()
    if "target_modules" in second:
        second = second | {"target_modules": ATTENTION[model.config.model_type]}
    (first, own), expected = train_stages(model, {}, second)
    composed = compose(first, own)
    assert composed.config.r == first.config.r + own.config.r
    difference = (logits(loaded(model, composed, tmp_path)) - expected).abs().max()
    assert difference < 1e-4


def test_stages_that_change_different_modules_compose(tmp_path):
    model = tiny.gpt2()
    (first, own), expected = train_stages(
        model, {"target_modules": ("c_fc",)}, {"target_modules": ("c_attn",), "r": 2}
    )
    policy = loaded(model, compose(first, own), tmp_path)
    torch.testing.assert_close(logits(policy), expected, atol=1e-4, rtol=0)


def test_three_stages_compose_from_their_files(tmp_path):
    model = tiny.llama()
    adapters, expected = train_stages(model, {}, {"r": 2}, {"alpha": 2})
    together = adapters[0]
    for number, own in enumerate(adapters[1:]):
        save_adapter(together, tmp_path / str(number))
        together = compose(load_adapter(tmp_path / str(number)), own)
    policy = loaded(model, together, tmp_path / "all")
    torch.testing.assert_close(logits(policy), expected, atol=1e-4, rtol=0)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    (adapter,), _ = train_stages(tiny.gpt2(), {})
    save_adapter(adapter, tmp_path)
    again = load_adapter(tmp_path)
    assert again.config.base_model_name_or_path == "tiny"
    assert again.tensors.keys() == adapter.tensors.keys()
    for name, tensor in adapter.tensors.items():
        assert torch.equal(again.tensors[name], tensor)


def test_an_adapter_from_disk_merges_into_the_base(tmp_path):
    model = tiny.gpt2()
    (adapter,), expected = train_stages(model, {})
    save_adapter(adapter, tmp_path)
    merged = merge_saved(tiny.base(model), tmp_path)
    assert isinstance(merged, BaseModel)
    torch.testing.assert_close(logits(merged.model), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "load", [load_adapter, lambda path: merge_saved(tiny.base(tiny.gpt2()), path)]
)
def test_a_folder_without_an_adapter_is_named(load, tmp_path):
    with pytest.raises(ModelError, match=f"can't load the adapter {tmp_path}"):
        load(tmp_path)
