"""Judging answers without knowing whose they are: what comes next, in which order, and who agreed."""

import csv
import hashlib
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.evaluation.agreement import Agreement, agreements
from grice_core.maxims import MAXIMS
from grice_core.store.votes import JudgedTwice, Said

LETTERS = "ABCDEFGHIJ"


def next_prompt(
    run_id: int, voter: str, indices: Iterable[int], judged: Collection[int]
) -> int | None:
    """Which of these a person judges next; each person has an order of their own."""
    left = [index for index in indices if index not in judged]
    return min(left, key=lambda index: _luck(run_id, voter, index), default=None)


def shuffled(run_id: int, voter: str, prompt_index: int, models: Sequence[str]) -> list[str]:
    """The models in an order that no one can guess, and that a reload does not change."""
    return sorted(models, key=lambda model: _luck(run_id, voter, prompt_index, model))


@dataclass(frozen=True)
class CooperativeTwice:
    """How many of a model's judged answers violate nothing, according to each."""

    model: str
    num_answers: int
    by_person: int
    by_detector: int


@dataclass(frozen=True)
class BlindResult:
    """What came of judging blindly."""

    num_prompts: int
    agreements: list[Agreement]
    cooperative: list[CooperativeTwice]


def blind_result(judged: Sequence[JudgedTwice]) -> BlindResult | None:
    """How far a person and the detector agree; None before the first judgement.

    Args:
        judged: All maxims of all models' answers to each judged prompt, prompt by prompt.
    """
    if not judged:
        return None
    models = list(dict.fromkeys(one.model for one in judged))
    prompts = list(dict.fromkeys(one.prompt_index for one in judged))
    person, detector = np.zeros((2, len(prompts), len(models), len(MAXIMS)), dtype=np.bool_)
    for one in judged:
        place = prompts.index(one.prompt_index), models.index(one.model), one.maxim.column
        person[place], detector[place] = one.by_person, one.by_detector
    cooperative = [
        CooperativeTwice(
            model,
            len(prompts),
            int((~person[:, place].any(axis=-1)).sum()),
            int((~detector[:, place].any(axis=-1)).sum()),
        )
        for place, model in enumerate(models)
    ]
    return BlindResult(len(prompts), agreements(person, detector), cooperative)


def num_replaced(said: Sequence[Said]) -> int:
    """How many judged answers a later evaluation has replaced."""
    return len({(one.model, one.prompt, one.response) for one in said if one.by_detector is None})


def judgements_csv(said: Sequence[Said]) -> str:
    """A line per response and maxim: 1 for violated; nothing where the detector's word is gone."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("prompt", "response", "model", "maxim", "by_person", "by_detector"))
    for one in said:
        by_detector = "" if one.by_detector is None else int(one.by_detector)
        row = one.prompt, one.response, one.model, one.maxim, int(one.by_person), by_detector
        writer.writerow(row)
    return file.getvalue()


def _luck(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, ("blind", *parts))).encode()).digest()
