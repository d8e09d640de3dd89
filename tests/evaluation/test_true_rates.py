"""Rates and verdict by gold labels, beside the detector's."""

import numpy as np
import pytest

from grice_core.errors import DataError
from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.evaluation.true_rates import true_rates
from grice_core.evaluation.verdict import State, judge
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged

NUM = 300
CONFIG = EvaluationConfig()


@pytest.fixture(scope="module")
def models() -> tuple[EvaluatedModel, ...]:
    """To the detector stage 1 mends nearly everything."""
    return judged("baseline", ["qtrm"] * NUM), judged("stage1", ["-"] * (NUM - 3) + ["m"] * 3)


def labels(models, violated, num=60) -> GoldLabels:
    """Of the first prompts; `violated` says by model how often all maxims are."""
    draw = np.random.default_rng(0)
    return GoldLabels(
        [
            Judgement(
                model.prompts[row],
                model.responses[row],
                frozenset(MAXIMS) if draw.random() < violated[model.name] else frozenset(),
            )
            for model in models
            for row in range(num)
        ]
    )


def test_labels_that_agree_confirm_the_verdict(models):
    found = true_rates(models, labels(models, {"baseline": 1.0, "stage1": 0.0}), CONFIG)
    assert judge(models, CONFIG).state == State.MET
    assert found.state == State.MET
    assert found.sentence(State.MET) == "Verdict: met by the detector; with 120 judgements: met."


def test_a_fooled_detector_is_found_out(models):
    found = true_rates(models, labels(models, {"baseline": 0.5, "stage1": 1.0}), CONFIG)
    assert found.state == State.NOT_MET
    manner = found.rates["stage1"]["manner"]
    assert manner.by_detector == pytest.approx(0.01)
    assert manner.interval.low > 0.9
    assert found.changes["manner"].interval.high > 0


def test_few_labels_decide_nothing(models):
    found = true_rates(models, labels(models, {"baseline": 1.0, "stage1": 0.0}, num=9), CONFIG)
    assert (dict(found.rates), dict(found.changes), found.state) == ({}, {}, None)
    assert "with 18 judgements: too few" in found.sentence(State.MET)


def test_labels_of_other_answers_are_refused(models):
    with pytest.raises(DataError, match="none of the 1 gold labels is of an answer"):
        true_rates(models, GoldLabels([Judgement("p", "r", frozenset())]), CONFIG)


def test_the_verdict_by_intervals_is_the_verdict(models):
    """`decide`, which labels go by, and the criteria in words agree on the detector's own figures."""
    for final in (
        models[1],
        judged("stage1", ["m"] * NUM),
        judged("stage1", ["-", "qm", "m"] * 100),
    ):
        pair = (models[0], final)
        everything = GoldLabels(
            [
                Judgement(
                    model.prompts[row],
                    model.responses[row],
                    frozenset(m for m in MAXIMS if model.violated[row, m.column]),
                )
                for model in pair
                for row in range(NUM)
            ]
        )
        assert true_rates(pair, everything, CONFIG).state == judge(pair, CONFIG).state


def test_intervals_for_every_look_are_wider_and_say_so(models):
    gold = labels(models, {"baseline": 1.0, "stage1": 0.0})
    planned = true_rates(models, gold, CONFIG)
    at_every_look = true_rates(models, gold, CONFIG, at_every_look=True)
    for of in (
        lambda found: found.rates["stage1"]["manner"],
        lambda found: found.changes["manner"],
    ):
        narrow, wide = of(planned).interval, of(at_every_look).interval
        assert wide.high - wide.low > narrow.high - narrow.low
    assert "at every look" in at_every_look.note
    assert "at every look" not in planned.note


def by_persons(models, strictness: dict[str, float], num_shared: int) -> GoldLabels:
    """Two persons' judgements of stage 1's answers; the second one's of the first prompts only."""
    draw = np.random.default_rng(1)
    return GoldLabels(
        [
            Judgement(
                model.prompts[row],
                model.responses[row],
                frozenset(MAXIMS) if draw.random() < strictness[person] else frozenset(),
                person=person,
            )
            for model in models
            for person, num in (("ann", 100), ("bob", num_shared))
            for row in range(num)
        ]
    )


def test_persons_who_differ_widen_the_intervals(models):
    found = true_rates(models, by_persons(models, {"ann": 0.1, "bob": 0.5}, 100), CONFIG)
    alike = true_rates(models, by_persons(models, {"ann": 0.3, "bob": 0.3}, 100), CONFIG)
    assert found.num_persons == 2
    own, other = found.rates["stage1"]["manner"], alike.rates["stage1"]["manner"]
    assert own.between_persons == pytest.approx(0.2, abs=0.05)
    assert own.interval.high - own.interval.low > 2 * (other.interval.high - other.interval.low)
    assert "How 2 persons differ is included: a standard deviation of up to" in found.note


def test_with_few_prompts_that_both_judged_it_says_that_this_is_missing(models):
    found = true_rates(models, by_persons(models, {"ann": 0.1, "bob": 0.5}, 5), CONFIG)
    assert found.rates["stage1"]["manner"].between_persons is None
    assert "How 2 persons differ is not included: fewer than 10 prompts" in found.note


@pytest.mark.parametrize(("num", "is_rough"), [(59, True), (60, False)])
def test_few_labels_are_warned_of(models, num, is_rough):
    found = true_rates(models, labels(models, {"baseline": 0.5, "stage1": 0.1}, num), CONFIG)
    assert ("95 % is a rough figure" in found.note) == is_rough
    at_every_look = true_rates(
        models, labels(models, {"baseline": 0.5, "stage1": 0.1}, num), CONFIG, True
    )
    assert "rough" not in at_every_look.note
