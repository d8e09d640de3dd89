"""The loop that labels and teachers share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grice_core.detector.encode import TextEncoder
from grice_core.detector.fit import FitSettings, Place, Task, fit
from grice_core.detector.losses import soft_target_loss
from grice_core.detector.template import JudgedText, Template
from grice_core.errors import TrainingError
from tests.detector import tiny

CPU = Place(torch.device("cpu"), torch.float32)
TEXTS = [JudgedText("no", word) for word in ("yes", "cats", "dogs", "mat", "sun", "old", "blue")]
SETTINGS = FitSettings(epochs=6, batch_size=3, learning_rate=1e-3, patience=2)


def task(figure: Callable[[], float]) -> Task:
    encoded = TextEncoder(tiny.tokenizer(), Template(), 64).encode(TEXTS)
    targets = np.tile([[0.0], [1.0]], (4, 4))[: len(TEXTS)]
    return Task(encoded, targets, soft_target_loss, figure, pad_token_id=0)


def weights_of(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_weights_of_the_best_epoch_are_kept_and_patience_ends_the_rest() -> None:
    model = tiny.heads()
    figures = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    seen: list[torch.Tensor] = []

    def figure() -> float:
        seen.append(weights_of(model))
        return next(figures)

    epochs = fit(model, task(figure), SETTINGS, CPU)
    assert [epoch.figure for epoch in epochs] == [0.1, 0.5, 0.4, 0.3]
    torch.testing.assert_close(weights_of(model), seen[1], rtol=0, atol=0)


def test_the_loss_falls() -> None:
    settings = SETTINGS.model_copy(update={"epochs": 15, "patience": 99, "learning_rate": 5e-3})
    counter = iter(range(99))
    epochs = fit(tiny.heads(), task(lambda: float(next(counter))), settings, CPU)
    assert epochs[-1].loss < epochs[0].loss / 2


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    def run(seed: int) -> torch.Tensor:
        model = tiny.heads()
        fit(model, task(lambda: 0.0), SETTINGS.model_copy(update={"seed": seed}), CPU)
        return weights_of(model)

    torch.testing.assert_close(run(1), run(1), rtol=0, atol=0)
    assert not torch.equal(run(1), run(2))


def test_every_step_is_counted() -> None:
    seen: list[tuple[int, int]] = []
    settings = SETTINGS.model_copy(update={"epochs": 2})

    def progress(_task: str, done: int, total: int) -> None:
        seen.append((done, total))

    fit(tiny.heads(), task(lambda: 0.0), settings, CPU, progress)
    assert seen == [(step, 6) for step in range(1, 7)]


def test_a_loss_that_is_no_number_is_named() -> None:
    broken: Any = tiny.heads()
    with torch.no_grad():
        broken.classifiers[0][1].weight.fill_(torch.nan)
    with pytest.raises(TrainingError, match="loss became nan; a lower --learning-rate"):
        fit(broken, task(lambda: 0.0), SETTINGS, CPU)
