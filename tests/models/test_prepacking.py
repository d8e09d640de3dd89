"""Every architecture computes the same with weights that are there once, and gets them back bit by bit."""

import pytest
import torch

from grice_core.kernels import linear
from grice_core.kernels.prepacking import prepacked
from tests.models.architectures import ARCHITECTURES
from tests.models.build import build

pytestmark = pytest.mark.filterwarnings("default")

REPRESENTATIVE = {"gpt2", "llama", "doge+moe", "deepseek_v32", "mamba2", "xlstm"}
"""Usual ones, one that views what its router says, and some that read the weight of a layer themselves."""
BROKEN = {"blt", "xlstm+narrow"}
"""What transformers' own code can't run as it is configured here; a pipeline refuses them."""
IDS = torch.arange(3, 27).view(2, 12)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in REPRESENTATIVE else pytest.mark.stack)
        for name in sorted(ARCHITECTURES.keys() - BROKEN)
    ],
)
def test_a_model_computes_the_same_and_is_left_as_it_was(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "SMALLEST", 1)
    model = build(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        expected = model(input_ids=IDS).logits
        with prepacked(model):
            for _ in range(2):
                found = model(input_ids=IDS).logits
                torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    after = model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
