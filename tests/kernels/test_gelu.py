import copy

import pytest
import torch
from torch import nn

from grice_core.kernels.gelu import FusedGELU, fuse_activations
from tests.dpo import tiny


@pytest.mark.usefixtures("kernels")
def test_a_model_with_it_gives_the_same_logits_but_for_rounding():
    stock = tiny.gpt2()
    fused = copy.deepcopy(stock)
    fuse_activations(fused)
    assert isinstance(fused.transformer.h[0].mlp.act, FusedGELU)
    ids = torch.arange(1, 21)[None]
    torch.testing.assert_close(fused(ids).logits, stock(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradient_are_those_of_the_formula(dtype):
    x = torch.tensor([-1e4, -20, -3, -0.7, -1e-9, 0, 1e-9, 0.7, 3, 20, 1e4], dtype=dtype)
    x.requires_grad_()
    exact = x.detach().double().requires_grad_()
    FusedGELU()(x).sum().backward()
    expected = exact * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (exact + 0.044715 * exact**3))) / 2
    expected.sum().backward()
    close = {"rtol": 4 * torch.finfo(dtype).eps, "atol": 1e-6}
    torch.testing.assert_close(FusedGELU()(x).double(), expected, **close)
    torch.testing.assert_close(x.grad.double(), exact.grad, **close)


@pytest.mark.usefixtures("kernels")
def test_pieces_and_strides_change_nothing():
    torch.manual_seed(0)
    # More than two pieces, and not contiguous.
    x = torch.randn(3, 200_001).bfloat16().t()
    with_gradient = FusedGELU()(x.detach().requires_grad_())
    assert torch.equal(FusedGELU()(x), with_gradient)
    torch.testing.assert_close(with_gradient, nn.functional.gelu(x, approximate="tanh"))
