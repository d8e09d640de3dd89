import pytest
import torch
from torch import nn

from grice_core.kernels import token_logps
from grice_core.kernels.token_logps import FrozenHead, TokenLogps, plain_token_logps

NUM_TOKENS, WIDTH, VOCABULARY = 11, 32, 50
IMPLEMENTATIONS = {
    "plain": lambda hidden, layer, targets: plain_token_logps(layer(hidden), targets),
    "chunks": lambda hidden, layer, targets: TokenLogps.apply(hidden, FrozenHead(layer), targets),
    "prepacked chunks": lambda hidden, layer, targets: TokenLogps.apply(
        hidden, FrozenHead(layer, prepack=True), targets
    ),
}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("chunk", "columns"), [(1, 2048), (100, 7), (2**23, 48), (2**23, 10)])
def test_values_and_gradient_are_those_of_log_softmax(
    implementation, bias, chunk, columns, monkeypatch
):
    monkeypatch.setattr(token_logps, "CHUNK", chunk)
    monkeypatch.setattr(token_logps, "COLUMNS", columns)
    monkeypatch.setattr("grice_core.kernels.linear.SMALLEST", 1)
    torch.manual_seed(0)
    layer = nn.Linear(WIDTH, VOCABULARY, bias=bias).requires_grad_(False)
    hidden = (3 * torch.randn(NUM_TOKENS, WIDTH)).requires_grad_()
    targets = torch.randint(VOCABULARY, (NUM_TOKENS,))
    # Each token weighs differently, so that a mistake in one can't hide in another.
    weights = torch.linspace(-1, 2, NUM_TOKENS)

    found = IMPLEMENTATIONS[implementation](hidden, layer, targets)
    (gradient,) = torch.autograd.grad((found * weights).sum(), hidden)

    exact = hidden.detach().double().requires_grad_()
    logits = exact @ layer.weight.double().t() + (layer.bias.double() if bias else 0)
    expected = logits.log_softmax(dim=-1)[range(NUM_TOKENS), targets]
    (exact_gradient,) = torch.autograd.grad((expected * weights).sum(), exact)
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(gradient, exact_gradient.float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_without_gradient_the_values_are_the_same(implementation):
    torch.manual_seed(0)
    layer = nn.Linear(WIDTH, VOCABULARY).requires_grad_(False)
    hidden, targets = torch.randn(NUM_TOKENS, WIDTH), torch.arange(NUM_TOKENS)
    found = IMPLEMENTATIONS[implementation](hidden, layer, targets)
    expected = layer(hidden).log_softmax(dim=-1)[range(NUM_TOKENS), targets]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
