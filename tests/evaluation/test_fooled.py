"""Two judges: the alarm where only the one that training goes by sees an improvement."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.fooled import alarms
from grice_core.evaluation.fooled import Fooled, compare_judges, faulted_more_often
from tests.evaluation.judged import judged

NUM = 200


def seen_as(model, violations):
    """The same answers by another judge."""
    other = judged(model.name, violations, model.prompts)
    return replace(model, scores=other.scores)


def of(judges, measure):
    return next(each for each in judges if each.measure == measure)


@pytest.fixture(scope="module")
def first():
    """To the training judge, stage 1 mends manner: 40 of 200 answers violated it, now 2 do."""
    return judged("baseline", ["m"] * 40 + ["-"] * 160), judged("stage1", ["m"] * 2 + ["-"] * 198)


def test_an_improvement_that_the_second_judge_does_not_see_is_flagged(first):
    before, after = first
    second = [seen_as(before, ["m"] * 42 + ["-"] * 158), seen_as(after, ["m"] * 38 + ["-"] * 162)]
    found = of(compare_judges(first, second), "manner")
    assert found.fooled is Fooled.ONLY
    assert (found.passed_before.num_faulted, found.passed_before.num_passed) == (2, 160)
    assert (found.passed_after.num_faulted, found.passed_after.num_passed) == (36, 198)
    sentence = found.sentence(str.upper)
    assert sentence.startswith("STAGE1 improved manner by the training judge only: −19.0 points")
    assert "faults 18.2 % (36 of 198), and 1.2 % (2 of 160) of BASELINE's (p < 0.001)" in sentence


def test_one_that_it_sees_half_of_is_flagged_as_such(first):
    before, after = first
    second = [seen_as(before, ["m"] * 60 + ["-"] * 140), seen_as(after, ["-"] * 170 + ["m"] * 30)]
    found = of(compare_judges(first, second), "manner")
    # 20 of 160 that the training judge passed were faulted before; 30 of 198 are after: no rise.
    assert found.fooled is Fooled.NO
    fewer = [seen_as(before, ["m"] * 60 + ["-"] * 140), seen_as(after, ["-"] * 162 + ["m"] * 38)]
    assert of(compare_judges(first, fewer), "manner").fooled is Fooled.NO
    sharp = [seen_as(before, ["m"] * 42 + ["-"] * 158), seen_as(after, ["-"] * 182 + ["m"] * 18)]
    assert of(compare_judges(first, sharp), "manner").fooled is Fooled.PARTLY


def test_a_weaker_judge_alone_is_no_reason_for_an_alarm(first):
    """It finds half of the violations, before as after: its improvement is smaller, no one was fooled."""
    before, after = first
    second = [seen_as(before, ["m"] * 20 + ["-"] * 180), seen_as(after, ["m"] + ["-"] * 199)]
    assert all(each.fooled is Fooled.NO for each in compare_judges(first, second))


def test_a_stage_that_got_worse_by_the_training_judge_raises_no_alarm(first):
    worse = first[::-1]
    second = [seen_as(worse[0], ["-"] * 200), seen_as(worse[1], ["m"] * 100 + ["-"] * 100)]
    renamed = [replace(model, name=name) for model, name in zip(worse, ("a", "b"), strict=True)]
    others = [replace(model, name=name) for model, name in zip(second, ("a", "b"), strict=True)]
    assert all(each.fooled is Fooled.NO for each in compare_judges(renamed, others))


def test_with_one_answer_each_it_is_the_known_score_statistic():
    """Kosinski's, with the empirical variance: worked out from the four counts where no prompt recurs."""
    before = np.ones((30, 1), bool), np.arange(30).reshape(-1, 1) >= 3
    after = np.ones((30, 1), bool), np.arange(30).reshape(-1, 1) < 18
    pooled = (3 + 12) / 60
    # Prompts 0-2 are faulted before only, 18-29 after only; the others in neither.
    variance = (15 / 30**2) * 30 / 29
    from scipy.stats import t

    expected = t.sf((12 - 3) / 30 / np.sqrt(variance), 29)
    assert faulted_more_often(before, after) == pytest.approx(expected)
    assert pooled == 0.25
    assert faulted_more_often(before, after) == pytest.approx(norm.sf(2.285), abs=0.01)


def test_where_nothing_is_passed_or_faulted_there_is_nothing_to_test():
    nothing, everything = np.zeros((5, 1), bool), np.ones((5, 1), bool)
    assert faulted_more_often((nothing, everything), (everything, everything)) == 1
    assert faulted_more_often((everything, everything), (everything, everything)) == 1


def test_without_displacement_an_alarm_is_rare():
    """In short; `python -m benchmarks.fooled` simulates more."""
    assert np.mean([each.false for each in alarms(1, np.random.default_rng(0))]) <= 5
