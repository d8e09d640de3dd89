import pytest
import torch

from grice_core.dpo.base import load_base
from grice_core.dpo.policy import add_adapter, merge_adapter, reference
from grice_core.errors import ModelError, RecipeError
from grice_core.recipes.config import LoraSettings
from tests.dpo import tiny

IDS = torch.tensor([[1, 2, 3, 4]])


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def changed(policy):
    """The policy after its adapter has learned something."""
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
    return policy


def test_a_fresh_adapter_changes_nothing():
    base = tiny.base(tiny.gpt2())
    before = logits(base.model)
    policy = add_adapter(base, LoraSettings(), seed=0).eval()
    assert torch.equal(logits(policy), before)


def test_the_adapter_depends_on_the_seed_alone():
    def weights(seed):
        policy = add_adapter(tiny.base(model), LoraSettings(), seed)
        return torch.cat([p.flatten() for p in policy.parameters() if p.requires_grad])

    model = tiny.gpt2()
    torch.manual_seed(1)
    first, drawn_after = weights(0), torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), drawn_after)  # the global random stream was left alone
    assert torch.equal(weights(0), first)
    assert not torch.equal(weights(1), first)


def test_the_reference_is_the_policy_with_its_adapter_off():
    base = tiny.base(tiny.llama())
    before = logits(base.model)
    policy = changed(add_adapter(base, LoraSettings(), seed=0)).eval()
    with reference(policy) as frozen:
        assert torch.equal(logits(frozen), before)
    assert not torch.allclose(logits(policy), before)


def test_merging_keeps_what_the_policy_says():
    base = tiny.base(tiny.gpt2())
    policy = changed(add_adapter(base, LoraSettings(), seed=0)).eval()
    expected = logits(policy)
    merged = merge_adapter(base, policy)
    assert not any("lora" in name for name, _ in merged.model.named_parameters())
    torch.testing.assert_close(logits(merged.model), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "targets", "adapted"),
    [
        (tiny.gpt2, "auto", {"c_attn", "c_fc", "c_proj"}),
        (tiny.gpt2, ("c_fc",), {"c_fc"}),
        (
            tiny.llama,
            "auto",
            {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
        ),
    ],
)
def test_the_recipe_says_which_modules_are_adapted(model, targets, adapted):
    policy = add_adapter(tiny.base(model()), LoraSettings(target_modules=targets), seed=0)
    names = [name for name, _ in policy.named_parameters() if "lora_A" in name]
    assert {name.split(".lora_A")[0].rsplit(".", 1)[1] for name in names} == adapted


def test_modules_that_the_base_does_not_have_are_named():
    settings = LoraSettings(target_modules=("q_proj",))
    with pytest.raises(RecipeError, match=r"lora\.target_modules: tiny can't be .*'q_proj'"):
        add_adapter(tiny.base(tiny.gpt2()), settings, seed=0)


def test_embeddings_cannot_be_adapted():
    with pytest.raises(RecipeError, match=r"lora\.target_modules: .*'wte'.* embedding"):
        add_adapter(tiny.base(tiny.gpt2()), LoraSettings(target_modules=("wte",)), seed=0)


def test_a_base_is_loaded_in_float32_whatever_it_was_saved_in(tmp_path):
    tiny.gpt2().to(torch.bfloat16).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    base = load_base(str(tmp_path), torch.device("cpu"))
    assert {parameter.dtype for parameter in base.model.parameters()} == {torch.float32}
    assert base.max_positions == 128
    assert not base.model.training


def test_a_base_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"base model .*/nowhere: there is no such folder"):
        load_base(str(tmp_path / "nowhere"), torch.device("cpu"))
    with pytest.raises(ModelError, match=r"the folder must hold config\.json"):
        load_base(str(tmp_path), torch.device("cpu"))
