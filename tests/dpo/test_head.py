from contextlib import nullcontext

import pytest
import torch

from grice_core.dpo import head
from grice_core.dpo.policy import add_adapter
from grice_core.kernels import token_logps
from grice_core.kernels.choice import plain_kernels, uses_plain
from tests.dpo import tiny

IDS = torch.arange(1, 31)[None]
TARGETS = [*range(2, 32), 5][:30]
EVERYWHERE = torch.arange(30)


def plain(model):
    return model(IDS).logits[0].log_softmax(dim=-1)[range(30), TARGETS]


def gradient(model, values):
    model.zero_grad()
    # Each token weighs differently, so that a mistake in one can't hide in another.
    (values * torch.linspace(-1, 2, 30)).sum().backward()
    return [p.grad for p in model.parameters() if p.requires_grad]


@pytest.mark.parametrize(("chunk", "columns"), [(1, 2048), (100, 7), (2**23, 33), (2**23, 10)])
def test_log_probabilities_and_gradient_are_those_of_all_logits_however_many_at_a_time(
    chunk, columns, monkeypatch
):
    monkeypatch.setattr(token_logps, "COLUMNS", columns)
    monkeypatch.setattr(token_logps, "CHUNK", chunk)
    policy = add_adapter(tiny.base(tiny.gpt2()), tiny.stage().lora, seed=0)
    expected = plain(policy)
    values = head.token_logps(
        policy, TARGETS, EVERYWHERE, head.prepacked_head(policy), input_ids=IDS
    )
    torch.testing.assert_close(values, expected, atol=1e-5, rtol=0)
    ours, theirs = (gradient(policy, v) for v in (values, plain(policy)))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("kernels", [nullcontext, plain_kernels], ids=["fast", "plain"])
def test_without_a_prepacked_head_they_are_the_same(kernels):
    policy = add_adapter(tiny.base(tiny.gpt2()), tiny.stage().lora, seed=0)
    expected = plain(policy)
    with kernels():
        values = head.token_logps(policy, TARGETS, EVERYWHERE, input_ids=IDS)
    torch.testing.assert_close(values, expected, atol=1e-5, rtol=0)


@pytest.mark.skipif(uses_plain(), reason="plain kernels use no head")
def test_another_models_head_is_refused():
    head_of_another = head.prepacked_head(tiny.gpt2().requires_grad_(False))
    with pytest.raises(ValueError, match="another model's"):
        head.token_logps(
            tiny.gpt2().requires_grad_(False), TARGETS, EVERYWHERE, head_of_another, input_ids=IDS
        )


def test_a_trained_head_is_not_prepacked():
    assert head.prepacked_head(tiny.gpt2()) is None


def test_a_model_that_caps_its_logits_is_asked_for_them_all():
    model = tiny.architecture("gemma2", head_dim=8, final_logit_softcapping=2.0)
    values = head.token_logps(model, TARGETS, EVERYWHERE, input_ids=IDS)
    torch.testing.assert_close(values, plain(model), atol=1e-5, rtol=0)


def test_the_model_is_left_as_it_was():
    model = tiny.gpt2()
    before = model(IDS).logits
    with torch.no_grad():
        head.token_logps(model, TARGETS, EVERYWHERE, input_ids=IDS)
    torch.testing.assert_close(model(IDS).logits, before, atol=0, rtol=0)
