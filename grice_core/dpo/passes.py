"""Whether a model may share one pass over a prompt among its responses."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from grice_core.dpo.attention import UnsharableError
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.hub import first_line
from grice_core.dpo.logps import Passes, separate_logps, shared_logps
from grice_core.dpo.trees import shared_trees
from grice_core.frozen import as_they_lie

TOLERANCE = 1e-5
"""Largest relative difference of a response's log-probability that counts as rounding in fp32."""


@dataclass(frozen=True)
class PassChoice:
    """How the responses of a prompt are run, and why."""

    passes: Passes
    reason: str


def choose_passes(
    model: Any, pairs: Sequence[EncodedPair], dtype: torch.dtype = torch.float32
) -> PassChoice:
    """Compare shared and separate passes on two pairs; share only if they agree.

    The longest, since an attention window shows itself only beyond its width, beside the shortest, since
    the trees of a pass must not see each other. In fp32, whatever the `dtype` of the many passes that
    follow, since bf16 rounds away the difference between right and almost right; their layouts of the
    weights are used if they are in fp32 too, and else none are made for these few.
    """
    by_length = sorted(pairs, key=_longest_path)
    trees = shared_trees([by_length[0], by_length[-1]])
    device = next(model.parameters()).device
    layouts = nullcontext() if dtype == torch.float32 else as_they_lie()
    with torch.no_grad(), torch.autocast(device.type, enabled=False), layouts:
        # A pass for each: in one, the short rows would be padding for most of the long ones' width.
        separate = torch.cat([separate_logps(model, tree.apart) for tree in trees])
        try:
            shared = shared_logps(model, trees)
        except torch.OutOfMemoryError:  # says nothing about sharing
            raise
        except (UnsharableError, ValueError, TypeError, RuntimeError) as error:
            # An architecture with its own attention or mask code fails in its own way.
            return PassChoice("separate", f"separate passes: {first_line(error)}")
    difference = float(((shared - separate).abs() / separate.abs().clamp(min=1.0)).max())
    if not difference <= TOLERANCE:  # NaN is no agreement
        return PassChoice("separate", f"separate passes: shared ones differ by {difference:.1e}")
    return PassChoice("shared", f"shared passes equal separate ones to {difference:.1e}")


def _longest_path(pair: EncodedPair) -> int:
    """Tokens of the prompt and the longer response."""
    return len(pair.prompt) + max(len(pair.chosen), len(pair.rejected))
