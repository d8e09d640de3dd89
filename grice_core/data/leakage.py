"""Prompts that stand in two files, as they are or nearly, or twice in one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from grice_core.data.near_duplicates import LEAST, NEAR, Nearest, nearest
from grice_core.data.pairs import BoolArray, IntArray
from grice_core.data.prompts import normalise_prompt, split_prompt
from grice_core.data.shingles import ShingleSets
from grice_core.progress import Progress, silent


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


@dataclass(frozen=True, eq=False)
class NearLeaks:
    """Prompts that are nearly, not exactly, those of another file."""

    evaluation: Nearest
    """(N,) of each evaluation prompt the most similar training prompt."""
    training: Nearest
    """(M,) of each training prompt the most similar evaluation prompt."""
    leaks: BoolArray
    """(N,) the evaluation prompts that stand in the training data as they are; these don't count."""

    def of_evaluation(self, at_least: float = NEAR) -> BoolArray:
        """(N,) the evaluation prompts that are at least so similar to a training prompt, not the same."""
        return self.evaluation.reaches(at_least) & ~self.leaks

    def most_similar(self) -> IntArray:
        """The evaluation prompts that have a similar one, not the same, the most similar first."""
        order = np.argsort(-self.evaluation.similarity, kind="stable")
        return order[self.of_evaluation(LEAST)[order]]


def near_leaks(
    prompts: Sequence[str], training_prompts: Sequence[str], progress: Progress = silent
) -> NearLeaks:
    """Compare every evaluation prompt with every training prompt, by context and evidence.

    Similarities below `LEAST` are left out.
    """
    ours, theirs = _Distinct.of(prompts), _Distinct.of(training_prompts)
    evaluation, training = nearest(ours.sets, theirs.sets, progress=progress)
    return NearLeaks(
        evaluation=ours.spread(evaluation, theirs),
        training=theirs.spread(training, ours),
        leaks=leaking(prompts, training_prompts),
    )


@dataclass(frozen=True, eq=False)
class _Distinct:
    """N prompts, of which K have distinct words."""

    sets: ShingleSets
    """(K,)"""
    number: IntArray
    """(N,) which of the K each prompt is."""
    first: IntArray
    """(K,) the first prompt that is it."""

    @classmethod
    def of(cls, prompts: Sequence[str]) -> Self:
        numbers: dict[str, int] = {}
        number = np.fromiter(
            (numbers.setdefault(_compared(prompt), len(numbers)) for prompt in prompts),
            np.int64,
            len(prompts),
        )
        first = np.unique(number, return_index=True)[1].astype(np.int64)
        return cls(ShingleSets.of(numbers), number, first)

    def spread(self, found: Nearest, others: Self) -> Nearest:
        """Of distinct ones, for each prompt."""
        other = np.where(found.other < 0, -1, np.append(others.first, -1)[found.other])
        return Nearest(found.similarity[self.number], other[self.number])


def _compared(prompt: str) -> str:
    """What two prompts are compared by: without the words that all prompts in the field's form have."""
    return normalise_prompt(" ".join(filter(None, split_prompt(prompt))))
