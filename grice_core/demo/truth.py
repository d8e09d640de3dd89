"""The detector's verdicts beside the oracle's: how far the demo's own judge can be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grice_core.data.pairs import BoolArray
from grice_core.demo.dialogue import Dialogue
from grice_core.demo.oracle import judge
from grice_core.evaluation.violations import MEASURES, EvaluatedModel
from grice_core.maxims import MAXIMS


@dataclass(frozen=True)
class JudgedTwice:
    """One model's responses, judged by the detector and by the oracle.

    Rates and agreements are fractions per measure: the four maxims, and `cooperative`.
    """

    model: str
    detector: dict[str, float]
    oracle: dict[str, float]
    agreement: dict[str, float]
    """Share of the responses on which both say the same."""


def judge_twice(
    models: Sequence[EvaluatedModel], dialogues: Mapping[str, Dialogue]
) -> list[JudgedTwice]:
    """Judge every response again by the rules; `dialogues` holds each prompt's."""
    judged = []
    for model in models:
        truth = oracle_outcomes(model, dialogues)
        judged.append(
            JudgedTwice(
                model=model.name,
                detector=model.rates,
                oracle=_rates(truth),
                agreement=_rates(truth == model.outcomes),
            )
        )
    return judged


def oracle_outcomes(model: EvaluatedModel, dialogues: Mapping[str, Dialogue]) -> BoolArray:
    """(N, 5) what the rules say of each response, in the order of `MEASURES`."""
    rows = []
    for prompt, response in zip(model.prompts, model.responses, strict=True):
        violated = judge(dialogues[prompt], response)
        rows.append([*(maxim in violated for maxim in MAXIMS), not violated])
    return np.array(rows, dtype=np.bool_)


def truth_document(judged: Sequence[JudgedTwice]) -> list[dict[str, Any]]:
    """As JSON: one object per model."""
    return [
        {
            "model": one.model,
            "detector": one.detector,
            "oracle": one.oracle,
            "agreement": one.agreement,
        }
        for one in judged
    ]


def _rates(outcomes: BoolArray) -> dict[str, float]:
    return dict(zip(MEASURES, outcomes.mean(axis=0).tolist(), strict=True))
