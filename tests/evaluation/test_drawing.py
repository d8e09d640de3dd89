import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from grice_core.data.pairs import FloatArray
from grice_core.errors import ModelError
from grice_core.evaluation.drawing import KeyArray, draw, gumbel_noise, noise_keys
from grice_core.evaluation.sampling import Sampling


def sampling(temperature: float = 1.0, top_p: float = 1.0) -> Sampling:
    return Sampling(temperature, top_p, max_new_tokens=8, seed=0)


def logits_of(*probabilities: float) -> Tensor:
    return torch.tensor([probabilities]).log()


def many_keys(count: int) -> KeyArray:
    return noise_keys(0, [f"prompt {i}" for i in range(count)])


def drawn(logits: Tensor, how: Sampling, rows: int = 4000) -> list[int]:
    """How often each token is drawn in `rows` rows of the same logits."""
    tokens = draw(logits.expand(rows, -1), many_keys(rows), 0, how).tokens
    return np.bincount(tokens, minlength=logits.shape[-1]).tolist()


def test_tokens_are_drawn_with_their_probabilities() -> None:
    counts = drawn(logits_of(0.5, 0.3, 0.15, 0.05), sampling())

    assert stats.chisquare(counts, [2000, 1200, 600, 200]).pvalue > 0.001


def test_temperature_sharpens() -> None:
    # At temperature 0.5 probabilities are squared: 0.8² : 0.2² = 16 : 1.
    counts = drawn(logits_of(0.8, 0.2), sampling(temperature=0.5))

    assert stats.chisquare(counts, [4000 * 16 / 17, 4000 / 17]).pvalue > 0.001


def test_the_nucleus_is_the_fewest_tokens_that_reach_top_p() -> None:
    # 0.5 + 0.3 = 0.8 < 0.9, so the third token is in; 0.95 ≥ 0.9, so the fourth is out.
    counts = drawn(logits_of(0.5, 0.3, 0.15, 0.05), sampling(top_p=0.9))

    assert counts[3] == 0
    expected = [4000 * p / 0.95 for p in (0.5, 0.3, 0.15)]
    assert stats.chisquare(counts[:3], expected).pvalue > 0.001


def test_a_top_p_below_the_best_token_leaves_only_that_one() -> None:
    assert drawn(logits_of(0.2, 0.6, 0.2), sampling(top_p=0.1), rows=50) == [0, 50, 0]


def test_equally_probable_tokens_are_in_or_out_together() -> None:
    # Two of the four would reach 0.5, but which two?
    counts = drawn(logits_of(0.25, 0.25, 0.25, 0.25), sampling(top_p=0.5))

    assert stats.chisquare(counts).pvalue > 0.001


def test_a_nucleus_larger_than_the_first_candidates_is_found() -> None:
    counts = drawn(torch.zeros(1, 200), sampling(top_p=0.9))

    assert stats.chisquare(counts).pvalue > 0.001


def test_rows_do_not_depend_on_their_batch() -> None:
    logits = torch.randn(16, 500, generator=torch.Generator().manual_seed(0)) * 4
    keys = many_keys(16)

    together = draw(logits, keys, 3, sampling(top_p=0.9)).tokens
    alone = [draw(logits[i : i + 1], keys[i : i + 1], 3, sampling(top_p=0.9)) for i in range(16)]

    assert together.tolist() == [int(row.tokens[0]) for row in alone]


def test_noise_is_standard_gumbel_at_every_prompt_position_and_token() -> None:
    keys, tokens = many_keys(300), np.tile(np.arange(100), (300, 1))

    first, second = gumbel_noise(keys, 0, tokens), gumbel_noise(keys, 1, tokens)

    assert stats.kstest(first.ravel(), stats.gumbel_r.cdf).pvalue > 0.001
    for a, b in [(first, second), (first[1:], first[:-1]), (first[:, 1:], first[:, :-1])]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.03


def test_noise_stays_what_it_is() -> None:
    # A changed number would silently unpair new responses from stored ones.
    noise = gumbel_noise(noise_keys(7, ["Hello"], sample=1), 2, np.array([[0, 5]]))

    assert noise[0].tolist() == pytest.approx([0.6975529132330183, 1.519800219168007])


def test_seed_prompt_and_sample_each_change_the_key() -> None:
    keys = [
        noise_keys(0, ["a"]),
        noise_keys(1, ["a"]),
        noise_keys(0, ["b"]),
        noise_keys(0, ["a"], 1),
    ]

    assert len({int(key[0]) for key in keys}) == 4


def test_similar_models_mostly_draw_the_same_token() -> None:
    logits = torch.randn(2000, 50, generator=torch.Generator().manual_seed(0)) * 2
    moved = logits + 0.01 * torch.randn(2000, 50, generator=torch.Generator().manual_seed(1))
    keys = many_keys(2000)

    same = draw(logits, keys, 0, sampling()).tokens == draw(moved, keys, 0, sampling()).tokens

    assert same.mean() > 0.98


def test_a_draw_with_a_clear_lead_is_settled() -> None:
    assert draw(logits_of(0.999, 0.001), many_keys(1), 0, sampling(), tolerance=1e-3).settled[0]


def test_a_draw_whose_rival_is_within_the_tolerance_is_not_settled() -> None:
    key = many_keys(1)
    noise = gumbel_noise(key, 0, np.array([[0, 1]]))[0]
    # Both tokens score the same but for 0.0005.
    logits = torch.tensor([[0.0, noise[0] - noise[1] + 0.0005]], dtype=torch.float64)

    assert not draw(logits, key, 0, sampling(), tolerance=1e-3).settled[0]
    assert draw(logits, key, 0, sampling(), tolerance=1e-4).settled[0]


def test_a_draw_at_the_border_of_the_nucleus_is_not_settled() -> None:
    # The second token is in, but only just: the first has 0.8995 of the 0.9.
    logits = logits_of(0.8995, 0.1005).expand(2000, -1)
    result = draw(logits, many_keys(2000), 0, sampling(top_p=0.9), tolerance=1e-3)

    second = result.tokens == 1
    assert 0 < second.sum() < 400
    assert not result.settled[second].any()


@pytest.mark.parametrize("seed", range(5))
def test_settled_draws_survive_every_rounding_error_below_half_the_tolerance(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(500, 40, generator=generator, dtype=torch.float64) * 2
    keys, how = many_keys(500), sampling(top_p=0.9)
    result = draw(logits, keys, 0, how, tolerance=0.1)
    assert 0.3 < result.settled.mean() < 0.9

    # The normaliser moves too, so the logits may move by half of half the tolerance.
    error = (torch.rand(500, 40, generator=generator, dtype=torch.float64) * 2 - 1) * 0.025
    again = draw(logits + error, keys, 0, how)

    assert (again.tokens != result.tokens).any()
    assert (again.tokens == result.tokens)[result.settled].all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_numbers_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="lower learning rate"):
        draw(torch.tensor([[0.0, value]]), many_keys(1), 0, sampling())


def by_the_definition(
    log_probs: FloatArray, key: KeyArray, top_p: float, tolerance: float
) -> tuple[int, bool]:
    """What is drawn at position 3, and whether it is settled, from the noise of the whole vocabulary."""
    probs = np.exp(log_probs)
    others = log_probs[:, None]
    above = probs @ (others > log_probs)
    well_above = probs @ (others > log_probs + tolerance)
    nearly_above = probs @ (others >= log_probs - tolerance)
    scores = log_probs + gumbel_noise(key, 3, np.arange(len(log_probs))[None])[0]
    drawn = int(np.where(above < top_p, scores, -np.inf).argmax())
    rivals = np.where(well_above < top_p + tolerance, scores, -np.inf)
    rivals[drawn] = -np.inf
    is_inside = nearly_above[drawn] - probs[drawn] < top_p - tolerance
    return drawn, bool(is_inside and scores[drawn] - rivals.max() > tolerance)


@pytest.mark.parametrize("top_p", [0.3, 0.8, 1.0])
def test_few_tokens_are_looked_at_and_what_is_drawn_is_that_of_all(top_p: float) -> None:
    """From a nucleus of most of the vocabulary to one of a single token."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(24, 600, generator=generator) * torch.linspace(0, 5, 24)[:, None]
    keys = many_keys(24)
    result = draw(logits, keys, 3, sampling(top_p=top_p), tolerance=0.02)

    log_probs = logits.log_softmax(dim=-1).double().numpy()
    expected = [
        by_the_definition(log_probs[n], keys[n : n + 1], top_p, 0.02) for n in range(len(keys))
    ]
    assert list(zip(result.tokens.tolist(), result.settled.tolist(), strict=True)) == expected
    assert len({settled for _, settled in expected}) == 2
