"""Judging answers without knowing whose they are: what comes next, in which order, and who agreed."""

import hashlib
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grice_core.csv_text import csv_text
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.evaluation.agreement import Agreement, agreements
from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.evaluation.picking import pick_weights
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.votes import JudgedAnswer, JudgedPrompt, JudgedTwice, Said

LETTERS = "ABCDEFGHIJ"
SECOND_OPINION_EVERY = 4
"""Of so many ballots one is about answers that someone else has judged, as long as there are any."""


@dataclass(frozen=True)
class Offer:
    """What a person judges next."""

    prompt_index: int
    relative_chance: float | None
    """Over that of a uniform pick; None if it was not picked for the estimates."""


def next_offer(
    run_id: int,
    voter: str,
    indices: Sequence[int],
    judged: Collection[int],
    chances: FloatArray,
) -> Offer | None:
    """A prompt that no one has judged, picked with these chances; now and then one that others have.

    Args:
        run_id: The evaluation.
        voter: Who judges.
        indices: Of all M prompts that can be judged.
        judged: By this person.
        chances: (M,) of being picked next; 0 for those that someone has judged.
    """
    is_new = chances > 0
    second = [index for index, new in zip(indices, is_new, strict=True) if not new]
    again = next_prompt(run_id, voter, second, judged)
    is_turn = len(judged) % SECOND_OPINION_EVERY == SECOND_OPINION_EVERY - 1
    if again is not None and (is_turn or not is_new.any()):
        return Offer(again, None)
    if not is_new.any():
        return None
    # The same state gives the same prompt, so that a reload changes nothing.
    seed = int.from_bytes(_luck(run_id, voter, *sorted(judged), int(is_new.sum()))[:8])
    place = int(np.random.default_rng(seed).choice(len(indices), p=chances))
    return Offer(indices[place], float(chances[place] * is_new.sum()))


def labels_of(
    answers: Sequence[JudgedAnswer], picked: Sequence[JudgedPrompt], num_prompts: int
) -> GoldLabels:
    """Persons' judgements as gold labels, with the chances that the prompts were picked with.

    Args:
        answers: All persons' judgements.
        picked: The prompts that they are about, in the order of their first judgement.
        num_prompts: All that could be picked.
    """
    weights = pick_weights([one.relative_chance for one in picked], num_prompts)
    least = float(weights.min(initial=1.0))
    chances = {
        one.prompt_index: least / weight
        for one, weight in zip(picked, weights.tolist(), strict=True)
    }
    return GoldLabels(
        [
            Judgement(
                one.prompt,
                one.response,
                one.violated,
                chances.get(one.prompt_index, least),
                one.voter,
            )
            for one in answers
        ]
    )


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


def persons_agree(
    answers: Sequence[JudgedAnswer], models: Sequence[str]
) -> tuple[int, list[Agreement]]:
    """How far persons agree with each other: on how many prompts that two of them judged, and per measure.

    Args:
        answers: All persons' judgements.
        models: Whose answers count, where both judged all of them.
    """
    by_person: dict[str, dict[int, dict[str, frozenset[Maxim]]]] = {}
    for one in answers:
        of_prompt = by_person.setdefault(one.voter, {}).setdefault(one.prompt_index, {})
        of_prompt[one.model] = one.violated
    pairs = [
        (_marks(first[index], models), _marks(second[index], models))
        for first, second in itertools.combinations(by_person.values(), 2)
        for index in first.keys() & second.keys()
        if set(models) <= first[index].keys() & second[index].keys()
    ]
    if not pairs:
        return 0, []
    return len(pairs), agreements(*map(np.stack, zip(*pairs, strict=True)))


def _marks(violated: Mapping[str, frozenset[Maxim]], models: Sequence[str]) -> BoolArray:
    """(k, 4) which maxims the answers of k models violate."""
    return np.array([[maxim in violated[model] for maxim in MAXIMS] for model in models])


def num_replaced(said: Sequence[Said]) -> int:
    """How many judged answers a later evaluation has replaced."""
    return len({(one.model, one.prompt, one.response) for one in said if one.by_detector is None})


_JUDGEMENT_COLUMNS = (
    "prompt",
    "response",
    "model",
    "maxim",
    "by_person",
    "by_detector",
    "by_second_judge",
    "person",
    "chance",
)


def judgements_csv(said: Sequence[Said], voter: str, labels: GoldLabels) -> str:
    """A line per response and maxim: 1 for violated; nothing where a judge's word is gone, or there is no second judge.

    The chances say how likely each prompt was to be picked, so that `grice compare --gold` makes the same of it.
    """
    chances = {(one.prompt, one.response): f"{one.chance:.6g}" for one in labels.judgements}
    rows = (
        (
            one.prompt,
            one.response,
            one.model,
            one.maxim.value,
            int(one.by_person),
            _flag(one.by_detector),
            _flag(one.by_second),
            voter,
            chances.get((one.prompt, one.response), ""),
        )
        for one in said
    )
    return csv_text(_JUDGEMENT_COLUMNS, rows)


def _flag(violated: bool | None) -> int | str:
    return "" if violated is None else int(violated)


def _luck(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, ("blind", *parts))).encode()).digest()
