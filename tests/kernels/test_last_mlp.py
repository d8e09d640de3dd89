import pytest
import torch

from grice_core.dpo.logps import pair_logps
from grice_core.dpo.passes import choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import shared_trees
from grice_core.kernels.last_mlp import last_mlp, layers_of
from tests.dpo import tiny

PAIRS = tiny.encoded_pairs(4)


def margins_and_gradients(model, passes):
    """(n,) margins, and the gradients of a sum in which each weighs differently."""
    margins = pair_logps(model, PAIRS, passes).margin
    weights = torch.linspace(-1, 2, len(PAIRS))
    return margins, torch.autograd.grad((margins * weights).sum(), list(model.parameters()))


@pytest.mark.parametrize(
    "build",
    [
        tiny.gpt2,
        tiny.llama,
        lambda: tiny.architecture("qwen3", head_dim=8),
        lambda: tiny.architecture("gpt_neox", num_key_value_heads=4),
        lambda: tiny.architecture("gemma3_text", head_dim=8),
    ],
    ids=["gpt2", "llama", "qwen3", "gpt_neox", "gemma3"],
)
def test_positions_that_predict_nothing_change_neither_values_nor_gradients(build, kernels):
    model, seen = build(), []
    mlp = layers_of(model)[-1].mlp
    next(iter(mlp.children())).register_forward_pre_hook(
        lambda _, args: seen.append(args[0].shape[1])
    )
    expected, exact_gradients = margins_and_gradients(model, "separate")
    found, gradients = margins_and_gradients(model, "shared")
    trees = shared_trees(PAIRS)
    num_tokens = sum(tree.num_tokens for tree in trees)
    num_predicting = sum(tree.num_predicting for tree in trees)
    assert seen[-1] == (num_predicting if kernels == "fast" else num_tokens)
    assert num_predicting < num_tokens
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)
    for ours, exact in zip(gradients, exact_gradients, strict=True):
        torch.testing.assert_close(ours, exact, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "build",
    [
        lambda: tiny.architecture("opt", ffn_dim=64, word_embed_proj_dim=32, pad_token_id=1),
        lambda: tiny.architecture("mixtral", num_local_experts=2, num_experts_per_tok=1),
    ],
    ids=["none of this name", "experts"],
)
def test_a_layer_that_is_built_otherwise_is_left_as_it_is(build):
    assert last_mlp(build()) is None


def test_an_mlp_that_returns_more_than_states_keeps_passes_apart():
    model = tiny.gpt2()
    plain = type(model.transformer.h[-1].mlp).forward

    class Talkative(type(model.transformer.h[-1].mlp)):
        def forward(self, states):
            made = plain(self, states)
            return (made, None) if "forward" in vars(self) else made  # as `only_positions` calls it

    model.transformer.h[-1].mlp.__class__ = Talkative
    policy = add_adapter(tiny.base(model), tiny.stage().lora, seed=0)
    assert choose_passes(policy, PAIRS).reason.endswith(
        "; shared ones fail: its MLP returns more than states"
    )
