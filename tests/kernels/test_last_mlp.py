import pytest
import torch

from grice_core.dpo.logps import pair_logps
from grice_core.dpo.passes import choose_passes
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import shared_trees
from grice_core.kernels.last_mlp import last_feed_forward
from tests.dpo import tiny

PAIRS = tiny.encoded_pairs(4)


def taught(model):
    """The model, and a list that gets how many tokens its last feed-forward part is given."""
    part, seen = last_feed_forward(model), []
    next(iter(part.children())).register_forward_pre_hook(
        lambda _, args: seen.append(args[0].shape[1])
    )
    return model, seen


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
def test_only_tokens_that_predict_something_go_through_the_last_feed_forward_part(build):
    model, seen = taught(build())
    apart = pair_logps(model, PAIRS, "separate")
    together = pair_logps(model, PAIRS, "shared")
    trees = shared_trees(PAIRS)
    assert seen[-1] == sum(tree.num_predicting for tree in trees)
    assert seen[-1] < sum(tree.num_tokens for tree in trees)
    for side in ("chosen", "rejected"):
        torch.testing.assert_close(
            getattr(together, side), getattr(apart, side), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize(
    "build",
    [
        lambda: tiny.architecture("opt", ffn_dim=64, word_embed_proj_dim=32, pad_token_id=1),
        lambda: tiny.architecture("mixtral", num_local_experts=2, num_experts_per_tok=1),
    ],
    ids=["no such part", "experts"],
)
def test_a_layer_that_is_built_otherwise_is_left_as_it_is(build):
    assert last_feed_forward(build()) is None


def test_a_part_that_gives_more_than_states_keeps_passes_apart():
    model = tiny.gpt2()
    plain = type(model.transformer.h[-1].mlp).forward

    class Talkative(type(model.transformer.h[-1].mlp)):
        def forward(self, states):
            made = plain(self, states)
            return (made, None) if "forward" in vars(self) else made  # as `ending_at` calls it

    model.transformer.h[-1].mlp.__class__ = Talkative
    policy = add_adapter(tiny.base(model), tiny.stage().lora, seed=0)
    assert choose_passes(policy, PAIRS).reason.endswith(
        "; shared ones fail: its feed-forward part gives more than states"
    )
