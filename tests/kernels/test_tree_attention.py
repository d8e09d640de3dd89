import itertools
from types import SimpleNamespace

import pytest
import torch

from grice_core.dpo.prefix_trees import Tree, tree_mask
from grice_core.kernels.tree_attention import TreeSpan, UnsharableError, tree_attention

CPU = torch.device("cpu")
TREE = Tree((1, 1), ((2, 2), (3,)))


def attend(query, key, value, *, groups=1, **kwargs):
    module = SimpleNamespace(num_key_value_groups=groups)
    return tree_attention(module, query, key, value, None, **kwargs)[0]


def spans(*trees):
    starts = [sum(tree.num_tokens for tree in trees[:n]) for n in range(len(trees))]
    return tuple(
        TreeSpan(start, start + tree.num_tokens, 4, tree_mask(tree, CPU))
        for start, tree in zip(starts, trees, strict=True)
    )


def test_a_branch_sees_the_prompt_and_itself():
    assert tree_mask(TREE, CPU).int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]


@pytest.mark.usefixtures("kernels")
def test_equal_keys_give_the_mean_of_the_visible_values():
    value = torch.tensor([1.0, 3.0, 8.0, 12.0, 26.0]).view(1, 1, 5, 1)
    zero = torch.zeros_like(value)
    out = attend(zero, zero, value, tree_spans=spans(TREE))
    assert out.shape == (1, 5, 1, 1)  # (row, tokens, heads, dim)
    # Means of 1; 1 3; 1 3 8; 1 3 8 12; and, in the second branch, 1 3 26.
    torch.testing.assert_close(out.flatten(), torch.tensor([1.0, 2.0, 4.0, 6.0, 10.0]))


@pytest.mark.usefixtures("kernels")
def test_one_tree_does_not_see_another():
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 8, 4)
    other = Tree((1,), ((2, 2),))
    together = attend(query, key, value, tree_spans=spans(TREE, other))
    first = attend(*(x[:, :, :5] for x in (query, key, value)), tree_spans=spans(TREE))
    second = attend(*(x[:, :, 5:] for x in (query, key, value)), tree_spans=spans(other))
    torch.testing.assert_close(together, torch.cat([first, second], dim=1))


@pytest.mark.usefixtures("kernels")
def test_grouped_heads_share_their_keys():
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 4, 5, 2), torch.randn(1, 2, 5, 2), torch.randn(1, 2, 5, 2)
    grouped = attend(query, key, value, groups=2, tree_spans=spans(TREE))
    repeated = [x[:, [0, 0, 1, 1]] for x in (key, value)]
    torch.testing.assert_close(grouped, attend(query, *repeated, tree_spans=spans(TREE)))


@pytest.mark.usefixtures("kernels")
def test_its_gradients_are_those_of_scaled_dot_products():
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 2, 5, 4).requires_grad_().unbind()
    value = torch.randn(1, 2, 5, 3, requires_grad=True)  # some architectures' values are narrower
    weights = torch.randn(1, 5, 2, 3)
    own = attend(query, key, value, scaling=0.3, tree_spans=spans(TREE))
    plain = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=tree_mask(TREE, CPU), scale=0.3
    ).transpose(1, 2)
    gradients = [
        torch.autograd.grad((out * weights).sum(), (query, key, value)) for out in (own, plain)
    ]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("kwargs", "reason"),
    [
        ({"softcap": 50.0}, "uses softcap"),
        ({"s_aux": torch.zeros(2)}, "uses s_aux"),
        ({"sliding_window": 3}, "window is 3 tokens"),
        ({"tree_spans": ()}, "passes nothing of ours on"),
    ],
)
def test_what_a_tree_cannot_give_is_refused(kwargs, reason):
    with pytest.raises(UnsharableError, match=reason):
        attend(*torch.zeros(3, 1, 1, 5, 1), **({"tree_spans": spans(TREE)} | kwargs))


@pytest.mark.usefixtures("kernels")
def test_a_window_as_wide_as_the_longest_path_cuts_nothing():
    value = torch.ones(1, 1, 5, 1)
    out = attend(value, value, value, sliding_window=4, tree_spans=spans(TREE))
    torch.testing.assert_close(out.flatten(), torch.ones(5))


@pytest.mark.usefixtures("kernels")
def test_scores_are_not_rounded_under_autocast():
    # Scores of some tens, which bf16 knows to within an eighth: a weight would be off by as large a share.
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 5, 64).bfloat16()
    query *= 6
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = attend(query, key, value, tree_spans=spans(TREE))
    exact = torch.nn.functional.scaled_dot_product_attention(
        query.double(), key.double(), value.double(), attn_mask=tree_mask(TREE, CPU)
    )
    # Weights and the result are rounded to bf16's eight digits, each once.
    torch.testing.assert_close(out.transpose(1, 2).double(), exact, rtol=2**-7, atol=2**-7)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(
    "formats", list(itertools.product((torch.float32, torch.bfloat16), repeat=3)), ids=str
)
def test_query_key_and_value_may_come_in_any_number_formats_under_autocast(formats):
    # Rotary embeddings promote query and key to fp32 and leave value in bf16; others do so otherwise.
    torch.manual_seed(0)
    inputs = [torch.randn(1, 2, 5, 16).to(dtype).requires_grad_() for dtype in formats]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = attend(*inputs, tree_spans=spans(TREE))
        out.float().square().sum().backward()
    exact = [x.detach().double().requires_grad_() for x in inputs]
    attend_exactly = torch.nn.functional.scaled_dot_product_attention(
        *exact, attn_mask=tree_mask(TREE, CPU)
    )
    attend_exactly.square().sum().backward()
    for ours, theirs in zip(inputs, exact, strict=True):
        assert ours.grad.dtype == ours.dtype
        scale = theirs.grad.abs().max()
        torch.testing.assert_close(
            ours.grad.double() / scale, theirs.grad / scale, rtol=0, atol=0.03
        )
