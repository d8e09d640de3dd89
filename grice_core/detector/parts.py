"""Labels in parts that share no dialogue, so that detectors trained on them err as independently as they can."""

from collections.abc import Hashable, Sequence

import numpy as np

from grice_core.data.pairs import IntArray
from grice_core.data.prompts import normalise_prompt
from grice_core.detector.labels import LabelledTexts, Split, split_by_group
from grice_core.detector.record import TrainingData


def split_of_part(labelled: LabelledTexts, training: TrainingData) -> Split:
    """The part of some labels that a detector is trained with, split by dialogue into train, validation and test."""
    part = labelled
    if training.num_parts > 1:
        part = labelled.take(
            part_numbers(labelled, training.num_parts, training.seed) == training.part
        )
    return split_by_group(part, training.holdout_share, training.seed)


def split_again(labelled: LabelledTexts, training: TrainingData | None) -> Split | None:
    """The parts that a detector was trained with, if it was trained on these very texts."""
    if training is None or training.sha256 != labelled.sha256:
        return None
    return split_of_part(labelled, training)


def part_numbers(labelled: LabelledTexts, num_parts: int, seed: int) -> IntArray:
    """(N,) the part, from 1, of each text; texts of one dialogue, and equal texts, are in the same one.

    Dialogues are dealt out in random order, each to the part with the fewest texts.
    """
    clusters = _clusters(labelled)
    sizes = np.bincount(clusters)
    part_of, texts_of = np.zeros(len(sizes), dtype=np.int64), [0] * num_parts
    for cluster in np.random.default_rng(seed).permutation(len(sizes)):
        smallest = texts_of.index(min(texts_of))
        part_of[cluster] = smallest + 1
        texts_of[smallest] += int(sizes[cluster])
    return part_of[clusters]


def _clusters(labelled: LabelledTexts) -> IntArray:
    """(N,) which texts belong together: by their dialogue, or since dialogues hold the same text."""
    keys: list[Sequence[Hashable]] = [
        [
            ("dialogue", group),
            (
                "text",
                *(normalise_prompt(said).casefold() for said in (text.context, text.response)),
            ),
        ]
        for group, text in zip(labelled.groups, labelled.texts, strict=True)
    ]
    root: dict[Hashable, Hashable] = {}

    def find(key: Hashable) -> Hashable:
        while root.setdefault(key, key) != key:
            root[key] = root[root[key]]  # so that the next search is shorter
            key = root[key]
        return key

    for first, second in keys:
        root[find(first)] = find(second)
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(find(first), len(numbers)) for first, _ in keys])
