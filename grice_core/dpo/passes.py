"""Whether a model may share one pass over a prompt among its responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grice_core.dpo.attention import UnsharableError
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.hub import first_line
from grice_core.dpo.logps import Passes, pair_logps
from grice_core.frozen import as_they_lie

TOLERANCE = 1e-5
"""Largest relative difference of a response's log-probability that counts as rounding in fp32."""


@dataclass(frozen=True)
class PassChoice:
    """How the responses of a prompt are run, and why."""

    passes: Passes
    reason: str


def choose_passes(model: Any, pairs: Sequence[EncodedPair]) -> PassChoice:
    """Compare shared and separate passes on two pairs; share only if they agree.

    The longest, since an attention window shows itself only beyond its width, beside the shortest, since
    the trees of a pass must not see each other. In fp32, since bf16 rounds away the difference between
    right and almost right.
    """
    by_length = sorted(pairs, key=_longest_path)
    both = [by_length[0], by_length[-1]]
    device = next(model.parameters()).device
    with torch.no_grad(), torch.autocast(device.type, enabled=False), as_they_lie():
        # A pass for each pair: in one, the short rows would be padding for most of the long ones' width.
        apart = [pair_logps(model, [pair], "separate") for pair in both]
        try:
            shared = pair_logps(model, both, "shared")
        except torch.OutOfMemoryError:  # says nothing about sharing
            raise
        except (UnsharableError, ValueError, TypeError, RuntimeError) as error:
            # An architecture with its own attention or mask code fails in its own way.
            return PassChoice("separate", f"separate passes: {first_line(error)}")
    difference = max(
        _relative(shared.chosen, torch.cat([pair.chosen for pair in apart])),
        _relative(shared.rejected, torch.cat([pair.rejected for pair in apart])),
    )
    if difference > TOLERANCE:
        return PassChoice("separate", f"separate passes: shared ones differ by {difference:.1e}")
    return PassChoice("shared", f"shared passes equal separate ones to {difference:.1e}")


def _longest_path(pair: EncodedPair) -> int:
    """Tokens of the prompt and the longer response."""
    return len(pair.prompt) + max(len(pair.chosen), len(pair.rejected))


def _relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(((a - b).abs() / b.abs().clamp(min=1.0)).max())
