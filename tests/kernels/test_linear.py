"""Frozen linear layers, prepacked or not, compute what the stock ones do, forward and backward."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers.pytorch_utils import Conv1D

from grice_core.kernels import linear
from grice_core.kernels.linear import (
    FrozenLinear,
    PlainLinear,
    Update,
    can_prepack,
    without_prepacking,
)

CPU = torch.device("cpu")
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


@pytest.fixture(autouse=True)
def _small_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "SMALLEST", 1)


def layer(kind: type[nn.Module], bias: bool = True) -> nn.Module:
    torch.manual_seed(0)
    if kind is nn.Linear:
        return nn.Linear(32, 48, bias=bias)
    made = Conv1D(48, 32)
    nn.init.normal_(made.bias)
    return made


def dtypes() -> list[torch.dtype]:
    return [dtype for dtype in TOLERANCE if can_prepack(CPU, dtype)]


IMPLEMENTATIONS = {
    "plain": PlainLinear,
    "frozen": FrozenLinear,
    "prepacked": partial(FrozenLinear, prepack=True),
}


@pytest.mark.parametrize(
    "columns", [slice(None), slice(0, 16), slice(16, 48), slice(3, 20)], ids=str
)
@pytest.mark.parametrize("kind", [nn.Linear, Conv1D])
@pytest.mark.parametrize("updated", [False, True])
def test_a_large_weight_is_cast_in_parts(
    kind: type[nn.Module], columns: slice, updated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the whole of a last layer that is stored in bf16; to the same product and gradient."""
    frozen = layer(kind).to(torch.bfloat16)
    if updated:
        Update(torch.randn(32, 2), torch.randn(2, 48)).add_to(frozen)
    x, product = torch.randn(5, 32), PlainLinear(frozen, columns)
    grad_out = torch.randn(5, product.shape[1])
    expected, expected_grad = product(x), product.backward(grad_out)
    monkeypatch.setattr(linear, "MOST_CAST", 32 * 7)
    cast = record_sizes(monkeypatch)
    assert_close(product(x), expected)
    assert_close(product.backward(grad_out), expected_grad)
    assert len(cast) > 2
    assert max(cast) <= 32 * 7


def record_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of the weights that are cast from now on."""
    sizes, usual = list[int](), PlainLinear.weight_as

    def weight_as(self: PlainLinear, dtype: torch.dtype) -> torch.Tensor:
        made = usual(self, dtype)
        sizes.append(made.numel())
        return made

    monkeypatch.setattr(PlainLinear, "weight_as", weight_as)
    return sizes


def test_this_machine_can_prepack() -> None:
    assert torch.float32 in dtypes()


@pytest.mark.parametrize(
    "columns", [slice(None), slice(0, 16), slice(16, 48), slice(3, 20)], ids=str
)
@pytest.mark.parametrize("dtype", dtypes(), ids=str)
@pytest.mark.parametrize("kind", [nn.Linear, Conv1D])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_products_and_gradients_are_those_of_the_layer(
    implementation: str, kind: type[nn.Module], dtype: torch.dtype, columns: slice
) -> None:
    stock = layer(kind)
    ours = IMPLEMENTATIONS[implementation](stock, columns)
    x = torch.randn(7, 32, requires_grad=True)
    expected = stock(x)[:, columns]
    grad_out = torch.randn_like(expected)
    (grad_x,) = torch.autograd.grad(expected, x, grad_out)
    close = {"atol": TOLERANCE[dtype], "rtol": TOLERANCE[dtype]}
    found = ours(x.detach().to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), expected.detach(), **close)
    torch.testing.assert_close(ours.backward(grad_out.to(dtype)).float(), grad_x, **close)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_weight_that_changes_in_place_is_used_as_it_is(implementation: str) -> None:
    stock = layer(nn.Linear, bias=False)
    ours, x = IMPLEMENTATIONS[implementation](stock), torch.randn(5, 32)
    before = ours(x)
    with torch.no_grad():
        stock.weight.mul_(2)
    torch.testing.assert_close(ours(x), 2 * before, atol=1e-5, rtol=1e-5)


@pytest.fixture
def prepacked_dtypes(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """The dtypes of weights that are prepacked from now on."""
    noted: list[torch.dtype] = []
    pack = linear._prepacked

    def noting(weight: torch.Tensor) -> torch.Tensor:
        noted.append(weight.dtype)
        return pack(weight)

    monkeypatch.setattr(linear, "_prepacked", noting)
    return noted


def test_a_few_passes_may_use_weights_as_they_are(prepacked_dtypes: list[torch.dtype]) -> None:
    ours, x = FrozenLinear(layer(nn.Linear), prepack=True), torch.randn(5, 32)
    with without_prepacking():
        plain = ours(x)
    assert prepacked_dtypes == []
    torch.testing.assert_close(ours(x), plain, atol=1e-5, rtol=1e-5)
    assert prepacked_dtypes == [torch.float32]
