"""How many rows are written at once, and how many join when others have ended."""

from collections.abc import Sequence
from typing import Any

import torch

from grice_core.dpo.encode import Ids
from grice_core.evaluation.decoding import Decoding
from grice_core.kernels.memory import total_bytes

SHARE_OF_MEMORY = {"cpu": 1 / 32, "cuda": 1 / 8}
"""Of the machine's or the GPU's, for keys and values of a batch."""
MOST_ROWS = 96
"""In a batch: with more, matrix products on a CPU are hardly any faster."""
USUAL_ROWS = 16
"""Where what a row takes isn't known, or all of a batch's prompts have to be read in one pass."""
TOKENS_READ = 1024
"""Of prompts, padding included, in one pass: what is computed on them takes more memory than is kept."""
SHARE_FREE = 0.25
"""Of a batch, that ends before others join: fewer at a time would take longer to read."""


def rows_that_fit(
    model: Any, prompts: Sequence[Ids], max_new_tokens: int, dtype: torch.dtype
) -> int:
    """Rows whose keys and values fit into a fixed share of the machine's memory.

    Not into what is free at the moment: where the batch may change a text, a run that continues has to
    find the same batches.
    """
    device = next(model.parameters()).device
    total, per_token = total_bytes(device), _bytes_per_token(model, dtype)
    if total is None or per_token is None or not prompts:
        return USUAL_ROWS
    longest = max(map(len, prompts)) + max_new_tokens
    fits = int(total * SHARE_OF_MEMORY[device.type] / (longest * per_token))
    return min(max(1, fits), MOST_ROWS)


def rows_at_once(decoding: Decoding, batch_size: int) -> int:
    """How many of a batch's rows can be written together in this way."""
    if decoding in ("alone", "whole"):
        return 1
    return batch_size if decoding == "refilled" else min(batch_size, USUAL_ROWS)


def rows_to_admit(waiting: Sequence[Ids], num_rows: int, batch_size: int) -> int:
    """How many of those that wait, the longest first, are read in one pass and join a batch of so many rows."""
    free = min(batch_size - num_rows, len(waiting))
    if not free or (num_rows and free < min(SHARE_FREE * batch_size, len(waiting))):
        return 0
    return min(free, max(1, TOKENS_READ // len(waiting[0])))


def _bytes_per_token(model: Any, dtype: torch.dtype) -> int | None:
    """Of keys and values of all layers; None if the model's configuration doesn't tell."""
    config = model.config.get_text_config(decoder=True)
    heads, layers, width = (
        getattr(config, name, None)
        for name in ("num_attention_heads", "num_hidden_layers", "hidden_size")
    )
    if not (isinstance(heads, int) and isinstance(layers, int) and isinstance(width, int)):
        return None
    own = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or width // heads
    return int(2 * layers * own * size * dtype.itemsize)
