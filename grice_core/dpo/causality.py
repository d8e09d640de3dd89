"""Whether a model predicts each token from those before it, and from nothing else."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from grice_core.dpo.hub import first_line
from grice_core.dpo.positions import changes_with_length, keeps_a_state
from grice_core.dpo.signature import accepted, watched_embeddings
from grice_core.errors import ModelError

TOLERANCE = 1e-4
"""Of the largest logit: what another length of the row may change by rounding."""


def check_causal(model: Any, name: str, rows: Sequence[Sequence[int]]) -> None:
    """See whether tokens that are appended, or replaced, change what is predicted before them.

    Args:
        model: As the baseline's evaluation uses it.
        name: Hub id or folder, for the message.
        rows: Token ids that will be trained on, the longest first, so that windows, chunks and top-k
            choices end inside it.

    Raises: ModelError, if they do, or the model can't be run at all.
    """
    device = next(model.parameters()).device
    kind = model.config.model_type
    if keeps_a_state(model.config, len(rows[0])):
        raise ModelError(
            f"{name} ({kind}) stretches its positions for rows as long as these ({len(rows[0]):,} tokens) and "
            "leaves them so for the rows that follow, so its numbers depend on what it read before: lower "
            "max_length, or take another base model"
        )
    try:
        with torch.autocast(device.type, enabled=False):
            found = (_problem(model, torch.tensor([list(row)], device=device)) for row in rows)
            problem = next(filter(None, found), None)
    except torch.OutOfMemoryError:
        raise
    except (ValueError, TypeError, RuntimeError, IndexError, AttributeError) as error:
        raise ModelError(
            f"{name} ({kind}) can't be run by transformers: {first_line(error)}"
        ) from error
    if problem:
        raise ModelError(
            f"{name} ({kind}) is no causal language model on these texts: {problem}. Give a model that "
            "predicts each token from those before it"
        )


def _problem(model: Any, row: Tensor) -> str | None:
    length = row.shape[1]
    whole = _logits(model, row)
    if not torch.isfinite(whole).all():
        return "its logits are no finite numbers"
    scale = float(whole.abs().max())

    def change(other: Tensor, count: int) -> float:
        return float((other[:, :count] - whole[:, :count]).abs().max()) / scale

    for cut in sorted({length // 4, length // 2, length - 1} - {0}):
        if changes_with_length(model.config, cut, length):
            continue
        if not (by := change(_logits(model, row[:, :cut]), cut)) <= TOLERANCE:
            return f"appending tokens changes its logits for earlier ones by {by:.1%}"
    cut = length // 2
    replaced = torch.cat([row[:, :cut], row[:, cut:].flip(1)], dim=1)
    if not (by := change(_logits(model, replaced), cut)) <= TOLERANCE:
        return f"replacing tokens changes its logits for earlier ones by {by:.1%}"
    if _depends_on_later(model, row, cut):
        return "its logits for earlier tokens depend on later ones"
    return None


def _logits(model: Any, row: Tensor) -> Tensor:
    """(1, L, V) of a plain pass."""
    with torch.no_grad():
        logits: Tensor = model(input_ids=row, **accepted(model, use_cache=False)).logits
    return logits.float()


def _depends_on_later(model: Any, row: Tensor, cut: int) -> bool:
    """Whether the gradient of what stands before the cut is other than exactly 0 behind it."""
    with watched_embeddings(model) as watched:
        logits = model(input_ids=row, **accepted(model, use_cache=False)).logits
    if not watched or not logits.requires_grad:
        return False
    (gradient,) = torch.autograd.grad(logits[:, :cut].float().square().sum(), watched[0])
    return bool(gradient[:, cut:].any())
