import pytest
import torch
from torch import nn

from grice_core.demo.training import FitSettings, batches_of_like_length, fit

SETTINGS = FitSettings(num_steps=10, learning_rate=0.1, batch_size=4, warmup_steps=4)


def test_the_learning_rate_rises_and_then_falls_to_nothing():
    rates = [SETTINGS.rate_at(step) for step in range(10)]
    assert rates[0] == pytest.approx(0.1 / 4)
    assert max(rates) == rates[3] <= 0.1
    assert SETTINGS.rate_at(10) == pytest.approx(0)


def test_every_item_stands_in_exactly_one_batch():
    batches = list(batches_of_like_length([i * 7 % 40 for i in range(40)], SETTINGS))
    assert [len(batch) for batch in batches] == [4] * 10
    assert sorted(index for batch in batches for index in batch) == list(range(40))


def test_a_batch_holds_like_lengths():
    lengths = [1, 9, 1, 9, 1, 9, 1, 9]
    settings = FitSettings(num_steps=2, learning_rate=0.1, batch_size=4)
    batches = batches_of_like_length(lengths, settings)
    assert sorted({lengths[index] for index in batch} for batch in batches) == [{1}, {9}]


def test_fitting_lowers_the_loss_and_tells_how_far_it_is():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    told = []
    losses = fit(
        model,
        [torch.ones(4, 1)] * 10,
        lambda batch: (model(batch) - 3).square().mean(),
        SETTINGS,
        task="line",
        progress=lambda *report: told.append(report),
    )
    assert losses[-1] < losses[0] / 2
    assert told[-1] == ("line", 10, 10)
