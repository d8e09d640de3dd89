"""The training loop that labels and teachers share."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from grice_core.data.pairs import FloatArray
from grice_core.detector.encode import EncodedText
from grice_core.detector.losses import Loss
from grice_core.detector.score import collate
from grice_core.errors import TrainingError
from grice_core.progress import Progress, silent


class FitSettings(BaseModel):
    """How a detector is trained; the defaults are the field's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=5, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=2e-5, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    """Of all steps; the learning rate rises linearly, then falls linearly to 0."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    patience: int = Field(default=3, ge=1)
    """Epochs without a better figure on the validation texts before training stops."""
    focal_alpha: float = Field(default=0.25, gt=0)
    focal_gamma: float = Field(default=2.0, ge=0)
    holdout_share: float = Field(default=0.15, gt=0, lt=0.5)
    """Of the dialogues, for validation, and again for the test."""
    seed: int = 0
    num_parts: int = Field(default=1, ge=1)
    """Parts without a common dialogue into which labels are split first, a detector for each."""
    part: int = Field(default=1, ge=1)
    """The one to train on."""


@dataclass(frozen=True)
class Epoch:
    """What an epoch brought."""

    number: int
    loss: float
    """Mean over the training texts."""
    figure: float
    """What is watched on the validation texts; higher is better."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learnt, and how one sees that it was."""

    encoded: Sequence[EncodedText]
    targets: FloatArray
    """(N, 4) in [0, 1]."""
    loss: Loss
    figure: Callable[[], float]
    """Looks at the validation texts; higher is better."""
    pad_token_id: int


@dataclass(frozen=True)
class Place:
    """Where to compute, and in which number format."""

    device: torch.device
    dtype: torch.dtype


def fit(
    model: nn.Module, task: Task, settings: FitSettings, place: Place, progress: Progress = silent
) -> list[Epoch]:
    """Train a model and leave it with the weights of its best epoch.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    num_steps = settings.epochs * math.ceil(len(task.encoded) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _ramp(num_steps, settings.warmup_share))
    epochs: list[Epoch] = []
    best: dict[str, Tensor] = {}
    for number in range(1, settings.epochs + 1):
        model.train()
        total = 0.0
        for batch in _shuffled_batches(task.encoded, settings.batch_size, rng):
            loss = _batch_loss(model, task, batch, place)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += _checked(loss) * len(batch)
            progress("training", schedule.last_epoch, num_steps)
        model.eval()
        epochs.append(Epoch(number, total / len(task.encoded), task.figure()))
        leader = max(epochs, key=lambda epoch: epoch.figure)
        if leader is epochs[-1]:
            best = copy.deepcopy(model.state_dict())
        if number - leader.number >= settings.patience:
            break
    model.load_state_dict(best)
    return epochs


def _ramp(num_steps: int, warmup_share: float) -> Callable[[int], float]:
    """Factor of the learning rate: linearly up, then linearly down to 0."""
    warmup = max(1, round(num_steps * warmup_share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return (num_steps - step) / max(1, num_steps - warmup)

    return factor


def _shuffled_batches(
    encoded: Sequence[EncodedText], batch_size: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Every text once, in random order, in batches of like length so that little is padding.

    Only within pools of 32 batches are texts sorted, so that batches differ between epochs.
    """
    order = rng.permutation(len(encoded))
    batches = []
    for start in range(0, len(order), 32 * batch_size):
        pool = sorted(
            order[start : start + 32 * batch_size].tolist(), key=lambda i: len(encoded[i])
        )
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def _batch_loss(model: nn.Module, task: Task, batch: Sequence[int], place: Place) -> Tensor:
    tensors = collate([task.encoded[i] for i in batch], task.pad_token_id, place.device)
    targets = torch.tensor(task.targets[batch], dtype=torch.float32, device=place.device)
    rough = place.dtype is torch.bfloat16
    with torch.autocast(place.device.type, dtype=torch.bfloat16, enabled=rough):
        logits = model(*tensors)
    return task.loss(logits.float(), targets)


def _checked(loss: Tensor) -> float:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"the detector's loss became {value}; a lower --learning-rate usually cures it"
        )
    return value
