"""A model whose linear layers multiply by prepacked weights computes the same, holds each weight once, and is left as
it was."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels import linear, prepacking
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import Update, can_prepack
from grice_core.kernels.prepacking import has_room_to_prepack, prepack, prepacked
from grice_core.kernels.stored import store_weights

CPU = torch.device("cpu")
FP32, BF16 = torch.float32, torch.bfloat16
TOLERANCE = {FP32: 1e-5, BF16: 2e-2}
DTYPES = [dtype for dtype in TOLERANCE if can_prepack(CPU, dtype)]


@pytest.fixture(autouse=True)
def _small_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "SMALLEST", 1)


@contextmanager
def products_in(dtype: torch.dtype) -> Iterator[None]:
    """Of a model that is evaluated."""
    with torch.no_grad(), torch.autocast("cpu", BF16, dtype == BF16):
        yield


def network(kind: type[nn.Module], num_out: int = 48, dtype: torch.dtype = FP32) -> nn.Module:
    """Of one linear layer, its weight stored in this dtype."""
    torch.manual_seed(0)
    layer = nn.Linear(32, num_out) if kind is nn.Linear else Conv1D(num_out, 32)
    model = nn.Sequential(layer)
    store_weights(model, "bf16" if dtype == BF16 else "fp32")
    return model


def is_taken(layer: nn.Module) -> bool:
    """Whether its plain weight is not there."""
    weight = dict(layer.named_parameters())["weight"]  # `layer.weight` would bring it back
    takes_memory = weight.untyped_storage().nbytes() > weight.itemsize
    assert takes_memory == bool(weight.isfinite().all())
    return not takes_memory


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_a_vocabulary_may_have_any_size(dtype: torch.dtype, bias: bool) -> None:
    torch.manual_seed(0)
    stock = nn.Linear(32, 50, bias=bias)
    x, close = torch.randn(2, 3, 32), {"atol": TOLERANCE[dtype], "rtol": TOLERANCE[dtype]}
    with torch.no_grad():
        expected = stock(x)
        with prepacked(stock), torch.autocast("cpu", torch.bfloat16, dtype == torch.bfloat16):
            torch.testing.assert_close(stock(x).float(), expected, **close)


@pytest.mark.usefixtures("kernels")
def test_a_prepacked_model_computes_the_same_and_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(32, 48), nn.Unflatten(1, (3, 16)), nn.Linear(16, 16))
    x = torch.randn(4, 32)
    with torch.no_grad():
        expected = model(x)
        with prepacked(model):
            assert "forward" in vars(model[0])
            torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)
        assert "forward" not in vars(model[0])
        torch.testing.assert_close(model(x), expected, atol=0, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", [nn.Linear, Conv1D])
@pytest.mark.parametrize("num_out", [48, 50])
def test_a_weight_is_there_once_and_comes_back_bit_by_bit(
    kind: type[nn.Module], dtype: torch.dtype, num_out: int
) -> None:
    model, x = network(kind, num_out, dtype), torch.randn(5, 32)
    weight, expected = model[0].weight, model[0].weight.detach().clone()
    with products_in(dtype):
        plain = model(x)
        with prepacked(model):
            for _ in range(2):
                torch.testing.assert_close(
                    model(x), plain, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype]
                )
                assert is_taken(model[0])
    assert model[0].weight is weight
    assert torch.equal(weight, expected)
    assert weight.stride() == expected.stride()
    assert weight.untyped_storage().nbytes() == weight.numel() * weight.itemsize


def test_an_error_meanwhile_does_not_keep_a_weight() -> None:
    model = network(nn.Linear)

    def write() -> None:
        with products_in(FP32), prepacked(model):
            model(torch.randn(5, 32))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write()
    assert not is_taken(model[0])


@pytest.mark.parametrize("other", ["plain", "bf16"])
def test_whatever_else_a_layer_is_asked_for_finds_its_weight(other: str) -> None:
    model, x = network(nn.Linear), torch.randn(5, 32)
    with products_in(FP32):
        expected = model(x)
        with prepacked(model):
            for _ in range(2):
                model(x)
                assert is_taken(model[0])
                asked = plain_kernels() if other == "plain" else products_in(BF16)
                with asked:
                    torch.testing.assert_close(model(x).float(), expected, atol=2e-2, rtol=2e-2)
                assert not is_taken(model[0])
            torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)


class ReadsWeights(nn.Module):
    """Multiplies by a layer's weight itself besides asking the layer, as some attentions do."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.layer, self.first = nn.Linear(32, 48), first

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            weight, out = self.layer.weight, self.layer(x)
        else:
            out, weight = self.layer(x), self.layer.weight
        return out + x @ weight.t()  # type: ignore[no-any-return]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_weight_that_others_read_comes_back_and_stays(dtype: torch.dtype, first: bool) -> None:
    torch.manual_seed(0)
    model, x = ReadsWeights(first), torch.randn(5, 32)
    store_weights(model, "bf16" if dtype == BF16 else "fp32")
    kind = type(model.layer)
    close = {"atol": 3 * TOLERANCE[dtype], "rtol": 3 * TOLERANCE[dtype]}
    with products_in(dtype):
        expected = model(x)
        with prepacked(model):
            for _ in range(3):
                torch.testing.assert_close(model(x), expected, **close)
                assert not is_taken(model.layer)
    assert type(model.layer) is kind
    assert not any(name.startswith("_lend") for name in vars(model.layer))


def test_a_weight_that_stays_is_not_copied_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x = ReadsWeights(first=False), torch.randn(5, 32)
    monkeypatch.setattr(prepacking, "SHARE_OF_MEMORY", 1e-12)
    with products_in(FP32):
        expected = model(x)
        products = prepack(model)
        for _ in range(3):
            torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)
    assert not products[model.layer]._derived


def test_the_state_of_a_model_has_its_weights() -> None:
    model, x = network(nn.Linear), torch.randn(5, 32)
    expected = model[0].weight.detach().clone()
    prepack(model)
    with products_in(FP32):
        model(x)
        assert is_taken(model[0])
        assert torch.equal(model.state_dict()["0.weight"], expected)
        plain = model(x)
        model(x)
        model.load_state_dict({"0.weight": 2 * expected, "0.bias": torch.zeros(48)})
        assert torch.equal(model[0].weight, 2 * expected)
        torch.testing.assert_close(model(x), x @ (2 * expected).t(), atol=1e-5, rtol=1e-5)
        assert model.double()[0].weight.dtype == torch.float64
        assert plain.shape == model(x.double()).shape


def test_what_a_router_says_can_be_viewed() -> None:
    model, x = network(nn.Linear, num_out=10), torch.randn(2, 3, 32)
    with products_in(FP32), prepacked(model):
        assert model(x).view(3, 20).shape == (3, 20)


def shared_with_an_embedding() -> nn.Module:
    model = nn.Sequential(nn.Embedding(48, 32), nn.Linear(32, 48, bias=False))
    model[1].weight = model[0].weight
    return model


def shared_with_a_layer() -> nn.Module:
    model = nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32))
    model[1].weight = model[0].weight
    return model


def of_one_piece_of_memory() -> nn.Module:
    model, memory = nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32)), torch.randn(2, 32, 32)
    for layer, part in zip(model, memory, strict=True):
        layer.weight.data = part
    return model


def with_an_update() -> nn.Module:
    model = network(nn.Linear)
    Update(torch.randn(32, 2), torch.randn(2, 48)).add_to(model[0])
    return model


@pytest.mark.parametrize(
    "make", [shared_with_an_embedding, shared_with_a_layer, of_one_piece_of_memory, with_an_update]
)
def test_a_weight_that_could_not_come_back_or_that_others_have_stays(make: type) -> None:
    model = make()
    x = torch.randint(48, (5,)) if isinstance(model[0], nn.Embedding) else torch.randn(5, 32)
    with products_in(FP32):
        with prepacked(model):
            first = model(x)
            torch.testing.assert_close(model(x), first)
            assert not any(map(is_taken, model))
        if make is not with_an_update:  # which the stock layer knows nothing of
            torch.testing.assert_close(model(x), first, atol=1e-5, rtol=1e-5)


@pytest.fixture
def num_packed(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """The dtypes of weights that are prepacked from now on."""
    noted, pack = list[torch.dtype](), linear._prepacked

    def noting(weight: Tensor) -> Tensor:
        noted.append(weight.dtype)
        return pack(weight)

    monkeypatch.setattr(linear, "_prepacked", noting)
    return noted


def test_plain_kernels_prepack_nothing(num_packed: list[torch.dtype]) -> None:
    model = network(nn.Linear)
    with products_in(FP32), prepacked(model), plain_kernels():
        model(torch.randn(5, 32))
    assert num_packed == []


def test_where_memory_is_short_only_what_takes_none_is_prepacked(
    monkeypatch: pytest.MonkeyPatch, num_packed: list[torch.dtype]
) -> None:
    monkeypatch.setattr(prepacking, "SHARE_OF_MEMORY", 1e-12)
    model = nn.Sequential(shared_with_an_embedding(), nn.Linear(48, 32))
    with products_in(FP32), prepacked(model):
        model(torch.randint(48, (5,)))
    assert len(num_packed) == 1


def test_a_second_copy_needs_room(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = network(nn.Linear), torch.randn(5, 32)
    Update(torch.randn(32, 2), torch.randn(2, 48)).add_to(model[0])
    assert has_room_to_prepack([model], copies=2)
    monkeypatch.setattr(prepacking, "SHARE_OF_MEMORY", 1e-12)
    assert not has_room_to_prepack([model], copies=1)
    assert prepack(model) == {}
    monkeypatch.undo()
    with products_in(FP32):
        assert set(prepack(model)) == {model[0]}
        model(x)
        assert not is_taken(model[0])


def test_for_good_a_weight_is_there_once_as_well() -> None:
    model, x = network(nn.Linear), torch.randn(5, 32)
    expected = model[0].weight.detach().clone()
    with torch.inference_mode():
        plain = model(x)
        prepack(model)
        for _ in range(2):
            torch.testing.assert_close(model(x), plain, atol=1e-5, rtol=1e-5)
            assert is_taken(model[0])
        with plain_kernels():
            assert torch.equal(model(x), plain)
    assert torch.equal(model[0].weight, expected)


def test_several_threads_may_ask_at_once() -> None:
    """One multiplies by the prepacked weight while another takes it back, or makes it."""
    model, x = network(nn.Linear), torch.randn(5, 32)
    with products_in(FP32):
        expected = model(x)
    prepack(model)

    def asked(number: int) -> Tensor:
        with products_in(FP32):
            if number % 3:
                return model(x)  # type: ignore[no-any-return]
            with plain_kernels():
                return model(x)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(asked, range(600)):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
