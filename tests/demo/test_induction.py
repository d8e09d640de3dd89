import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from grice_core.demo.induction import lay_out_induction


def laid_out(*, heads: int = 4, layers: int = 2):
    config = GPT2Config(
        vocab_size=500, n_positions=96, n_embd=128, n_layer=layers, n_head=heads,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    lay_out_induction(model, torch.Generator().manual_seed(0))
    return model


def test_an_untrained_model_continues_what_stood_there_before():
    order = torch.Generator().manual_seed(1)
    once = torch.stack([torch.randperm(500, generator=order)[:40] for _ in range(4)])
    with torch.inference_mode():
        predicted = laid_out()(input_ids=torch.cat([once, once], dim=1)).logits.argmax(dim=2)
    assert (predicted[:, 40:-1] == once[:, 1:]).float().mean() > 0.9


def test_the_same_seed_gives_the_same_weights():
    one, other = laid_out().state_dict(), laid_out().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("shape", [{"heads": 8}, {"layers": 1}])
def test_a_model_without_room_for_the_slots_is_refused(shape):
    with pytest.raises(ValueError, match="four heads"):
        laid_out(**shape)
