import math

import pytest
import torch

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.policy import add_adapter
from tests.dpo import slow_reference, tiny


@pytest.mark.parametrize("passes", ["shared", "separate"])
@pytest.mark.parametrize("architecture", [tiny.gpt2, tiny.llama])
def test_a_response_counts_from_its_first_token_to_the_end_of_text(architecture, passes):
    model, pairs = architecture(), tiny.encoded_pairs(5)
    with torch.no_grad():
        logps = pair_logps(model, pairs, passes)
        for number, pair in enumerate(pairs):
            for ours, response in ((logps.chosen, pair.chosen), (logps.rejected, pair.rejected)):
                theirs = slow_reference.response_logp(model, pair.prompt, response)
                torch.testing.assert_close(ours[number], theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("passes", ["shared", "separate"])
def test_a_model_that_knows_nothing_gives_every_token_the_same_chance(passes):
    model = tiny.gpt2()
    with torch.no_grad():
        model.lm_head.weight.zero_()  # tied to the embeddings: every logit is 0
        logps = pair_logps(model, [EncodedPair(1, (1,), (2, 3, 0), (0,))], passes)
    assert logps.chosen.item() == pytest.approx(-3 * math.log(33))
    assert logps.rejected.item() == pytest.approx(-math.log(33))
    assert logps.margin.item() == pytest.approx(-2 * math.log(33))


def test_gradients_of_shared_and_separate_passes_agree():
    policy = add_adapter(tiny.base(tiny.llama()), tiny.stage().lora, seed=0)
    pairs = tiny.encoded_pairs(3)
    gradients = []
    for passes in ("shared", "separate"):
        policy.zero_grad()
        pair_logps(policy, pairs, passes).margin.sum().backward()
        gradients.append([p.grad.clone() for p in policy.parameters() if p.requires_grad])
    assert any(gradient.abs().max() > 0 for gradient in gradients[0])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


COMMON = (
    EncodedPair(1, (1, 2, 3), (4, 5, 6, 0), (4, 5, 7, 7, 0)),
    EncodedPair(2, (8, 9), (4, 4, 0), (4, 4, 4, 0)),
    EncodedPair(3, (8, 9), (4, 4, 0), (4, 6, 0)),
    EncodedPair(4, (5,), (3, 3, 0), (3, 3, 0)),
)


@pytest.mark.parametrize("architecture", [tiny.gpt2, tiny.llama])
def test_responses_that_begin_alike_are_what_separate_passes_make_of_them(architecture):
    policy = add_adapter(tiny.base(architecture()), tiny.stage().lora, seed=0)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    results, gradients = [], []
    for passes in ("shared", "separate"):
        policy.zero_grad()
        logps = pair_logps(policy, COMMON, passes)
        results.append(torch.cat([logps.chosen, logps.rejected]))
        (logps.chosen - 0.3 * logps.rejected).sum().backward()
        gradients.append([p.grad.clone() for p in policy.parameters() if p.requires_grad])
    torch.testing.assert_close(*results, atol=1e-5, rtol=0)
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


def test_the_model_gets_its_own_attention_back():
    model = tiny.gpt2()
    before = model.config._attn_implementation
    pair_logps(model, tiny.encoded_pairs(1), "shared")
    assert model.config._attn_implementation == before == "sdpa"


def test_log_probabilities_are_float32_under_bf16():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logps = pair_logps(tiny.gpt2(), tiny.encoded_pairs(2), "shared")
    assert logps.chosen.dtype == torch.float32
