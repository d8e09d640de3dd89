import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from grice_core.demo.induction import AGAIN, ANSWER, NEW, lay_out_induction

OPENING = 4
"""The token after which the answer begins."""
TEXT_LENGTH = 40


def laid_out(*, heads: int = 4, layers: int = 2):
    config = GPT2Config(
        vocab_size=500, n_positions=96, n_embd=128, n_layer=layers, n_head=heads,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    lay_out_induction(model, OPENING, torch.Generator().manual_seed(0))
    return model


def distinct_tokens() -> torch.Tensor:
    """(4, 40) tokens, none of them twice in a row."""
    order = torch.Generator().manual_seed(1)
    return torch.stack([5 + torch.randperm(490, generator=order)[:TEXT_LENGTH] for _ in range(4)])


def numbers_after_layer_1(ids: torch.Tensor) -> torch.Tensor:
    """(B, L, S) the free slot."""
    with torch.inference_mode():
        states = laid_out()(input_ids=ids, output_hidden_states=True).hidden_states[2]
    return states[:, :, 3 * 32 :]


def test_an_untrained_model_continues_what_stood_there_before():
    once = distinct_tokens()
    with torch.inference_mode():
        predicted = laid_out()(input_ids=torch.cat([once, once], dim=1)).logits.argmax(dim=2)
    assert (predicted[:, TEXT_LENGTH:-1] == once[:, 1:]).float().mean() > 0.9


def test_it_knows_where_the_answer_begins():
    once = distinct_tokens()
    opening = torch.full((4, 1), OPENING)
    answer = numbers_after_layer_1(torch.cat([once, opening, once[:, :10]], dim=1))[..., ANSWER]
    assert answer[:, 1:TEXT_LENGTH].max() < answer[:, TEXT_LENGTH:].min()


def test_it_marks_a_token_that_is_new():
    once = distinct_tokens()
    ids = torch.cat([once, once[:, :10]], dim=1)
    ids[:, TEXT_LENGTH + 5] = 499
    new = numbers_after_layer_1(ids)[..., NEW]
    seen = [TEXT_LENGTH + i for i in range(10) if i != 5]
    assert (new[:, TEXT_LENGTH + 5] > new[:, seen].mean(dim=1) + 0.5).all()


def test_it_marks_a_token_that_stood_in_the_answer_before():
    once = distinct_tokens()
    opening = torch.full((4, 1), OPENING)
    said = once[:, :10]
    again = numbers_after_layer_1(torch.cat([once, opening, said, said], dim=1))[..., AGAIN]
    first, second = again[:, TEXT_LENGTH + 1 :].split(10, dim=1)
    assert (second[:, 1:].mean(dim=1) > first.mean(dim=1) + 0.5).all()


def test_the_same_seed_gives_the_same_weights():
    one, other = laid_out().state_dict(), laid_out().state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("shape", [{"heads": 8}, {"layers": 1}])
def test_a_model_without_room_for_the_heads_is_refused(shape):
    with pytest.raises(ValueError, match="four heads"):
        laid_out(**shape)
