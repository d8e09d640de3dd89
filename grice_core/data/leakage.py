"""Prompts that stand in two files, or twice in one."""

from collections.abc import Iterable, Sequence

import numpy as np

from grice_core.data.pairs import BoolArray, IntArray
from grice_core.data.prompts import normalise_prompt


def leaking(prompts: Sequence[str], training_prompts: Iterable[str]) -> BoolArray:
    """(len(prompts),) which prompts also stand among the training prompts, once normalised."""
    known = {normalise_prompt(prompt) for prompt in set(training_prompts)}
    return np.fromiter(
        (normalise_prompt(prompt) in known for prompt in prompts), np.bool_, len(prompts)
    )


def distinct(prompts: Iterable[str]) -> IntArray:
    """Indices, ascending, of each prompt's first occurrence once normalised."""
    first: dict[str, int] = {}
    for index, prompt in enumerate(prompts):
        first.setdefault(normalise_prompt(prompt), index)
    return np.fromiter(first.values(), np.int64, len(first))
