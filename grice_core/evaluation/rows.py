"""Responses in the making, in the order in which they are written."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grice_core.chat.format import PromptFormat
from grice_core.dpo.encode import Ids, cut_left
from grice_core.dpo.positions import max_positions
from grice_core.errors import ModelError
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.drawing import noise_keys
from grice_core.evaluation.sampling import Sampling


@dataclass
class Row:
    """One response in the making."""

    place: int
    """Index of its response in the result."""
    prompt: Ids
    key: np.uint64
    response: list[int] = field(default_factory=list)
    ended: bool = False


def new_rows(
    model: Any,
    encoded: Sequence[Ids],
    prompts: Sequence[str],
    sampling: Sampling,
    form: PromptFormat,
) -> list[Row]:
    """One row per prompt and sample, the samples of a prompt together; texts decide on the noise."""
    encoded = fitting(model, form.tokenizer, encoded, sampling.max_new_tokens)
    keys = [noise_keys(sampling.seed, prompts, s) for s in range(sampling.samples_per_prompt)]
    places = [(n, s) for n in range(len(prompts)) for s in range(sampling.samples_per_prompt)]
    return [Row(place, encoded[n], keys[s][n]) for place, (n, s) in enumerate(places)]


def fitting(
    model: Any, tokenizer: Any, prompts: Sequence[Ids], max_new_tokens: int
) -> Sequence[Ids]:
    """Encoded prompts, cut from their left where they leave no room for the response.

    Raises:
        ModelError: The model has too few positions for the response.
    """
    num_positions = max_positions(model.config)
    if num_positions is None:
        return prompts
    if num_positions <= max_new_tokens:
        raise ModelError(
            f"the model has {num_positions} positions, too few for a prompt and "
            f"{max_new_tokens} new tokens: lower evaluation.max_new_tokens"
        )
    return [cut_left(ids, num_positions - max_new_tokens, tokenizer) for ids in prompts]


def in_batches(
    rows: Sequence[Row], answers: Answers, batch_size: int, *, whole: bool
) -> Iterator[list[Row]]:
    """What is to be written, the longest prompts first: what doesn't fit into memory shows at once.

    With `whole`, batches of rows that have to be written together, as in an undisturbed run; else all in one.
    """
    queue = sorted(rows, key=lambda row: -len(row.prompt))
    size = max(1, len(queue))
    if whole:  # all of about the same size: a small last one would take almost as long
        size = math.ceil(size / math.ceil(size / batch_size))
    for start in range(0, len(queue), size):
        batch = queue[start : start + size]
        lacking = [row for row in batch if row.place not in answers.responses]
        if lacking:
            yield batch if whole else lacking
