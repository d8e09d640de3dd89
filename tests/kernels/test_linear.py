"""Layers whose weights are laid out once give what plain ones give, there and back."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels import linear as frozen_module
from grice_core.kernels.linear import FrozenLinear, as_they_lie, frozen, processor_lays_out

CPU = torch.device("cpu")
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


@pytest.fixture(autouse=True)
def _small_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_module, "SMALLEST", 1)


def layer(kind: type[nn.Module], bias: bool = True) -> nn.Module:
    torch.manual_seed(0)
    if kind is nn.Linear:
        return nn.Linear(32, 48, bias=bias)
    made = Conv1D(48, 32)
    nn.init.normal_(made.bias)
    return made


def formats() -> list[torch.dtype]:
    return [dtype for dtype in TOLERANCE if processor_lays_out(CPU, dtype)]


def test_this_machine_lays_out_weights() -> None:
    assert torch.float32 in formats()


@pytest.mark.parametrize("dtype", formats())
@pytest.mark.parametrize("kind", [nn.Linear, Conv1D])
def test_products_there_and_back_are_those_of_the_layer(
    kind: type[nn.Module], dtype: torch.dtype
) -> None:
    stock = layer(kind)
    ours, plain = FrozenLinear(stock, lays_out=True), FrozenLinear(stock)
    x, gradient = torch.randn(7, 32), torch.randn(7, 48)
    close = {"atol": TOLERANCE[dtype], "rtol": TOLERANCE[dtype]}
    torch.testing.assert_close(ours(x.to(dtype)).float(), stock(x).detach(), **close)
    torch.testing.assert_close(
        ours.back(gradient.to(dtype)).float(), gradient @ plain.weight.t(), **close
    )


@pytest.mark.parametrize("columns", [slice(0, 16), slice(16, 48), slice(3, 20)])
def test_some_columns_are_those_of_the_whole(columns: slice) -> None:
    stock = layer(nn.Linear)
    part = FrozenLinear(stock, columns, lays_out=True)
    x = torch.randn(5, 32)
    torch.testing.assert_close(part(x), stock(x).detach()[:, columns], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", formats())
@pytest.mark.parametrize("bias", [True, False])
def test_a_vocabulary_of_any_size_is_laid_out(dtype: torch.dtype, bias: bool) -> None:
    torch.manual_seed(0)
    stock = nn.Linear(32, 50, bias=bias)
    x, close = torch.randn(2, 3, 32), {"atol": TOLERANCE[dtype], "rtol": TOLERANCE[dtype]}
    with torch.no_grad():
        expected = stock(x)
        with frozen(stock), torch.autocast("cpu", torch.bfloat16, dtype == torch.bfloat16):
            torch.testing.assert_close(stock(x).float(), expected, **close)


def test_a_weight_that_changes_in_place_is_laid_out_anew() -> None:
    stock = layer(nn.Linear, bias=False)
    ours, x = FrozenLinear(stock, lays_out=True), torch.randn(5, 32)
    before = ours(x)
    with torch.no_grad():
        stock.weight.mul_(2)
    torch.testing.assert_close(ours(x), 2 * before, atol=1e-5, rtol=1e-5)


def test_a_frozen_model_answers_alike_and_is_left_as_it_was() -> None:
    model = nn.Sequential(layer(nn.Linear), nn.Unflatten(1, (3, 16)), nn.Linear(16, 16))
    x = torch.randn(4, 32)
    with torch.no_grad():
        expected = model(x)
        with frozen(model):
            assert "forward" in vars(model[0])
            torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)
        assert "forward" not in vars(model[0])
        torch.testing.assert_close(model(x), expected, atol=0, rtol=0)


@pytest.fixture
def formats_laid_out(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """Number formats of what is laid out from now on."""
    noted: list[torch.dtype] = []
    lay_out = frozen_module._laid_out

    def noting(weight: torch.Tensor) -> torch.Tensor:
        noted.append(weight.dtype)
        return lay_out(weight)

    monkeypatch.setattr(frozen_module, "_laid_out", noting)
    return noted


def test_a_few_passes_may_leave_weights_as_they_lie(formats_laid_out: list[torch.dtype]) -> None:
    ours, x = FrozenLinear(layer(nn.Linear), lays_out=True), torch.randn(5, 32)
    with as_they_lie():
        plain = ours(x)
    assert formats_laid_out == []
    torch.testing.assert_close(ours(x), plain, atol=1e-5, rtol=1e-5)
    assert formats_laid_out == [torch.float32]


def test_where_memory_is_short_nothing_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_module, "SHARE_OF_MEMORY", 1e-12)
    model = nn.Sequential(layer(nn.Linear))
    with frozen(model):
        assert "forward" not in vars(model[0])
