"""What judges and data allow, worked by hand; the whole command runs on a tiny world in `test_real.py`."""

import numpy as np
import pytest

from benchmarks.real.ceiling import Ceiling, OneThreshold, Share
from benchmarks.real.limits import TRAINED_AGAINST
from benchmarks.real.reach import BOTH, any_among, powers, reaches
from grice_core.detector.labels import LabelledTexts
from grice_core.detector.template import JudgedText
from grice_core.evaluation.violations import EvaluatedModel

THRESHOLDS = np.full(4, 0.5)
GOOD, BAD, WORSE = ([score] * 4 for score in (0.1, 0.6, 0.9))


def judged(*scores, cut=()):
    """Two prompts, two answers to each."""
    return EvaluatedModel(
        "baseline", list("aabb"), list("wxyz"), np.array(scores), THRESHOLDS, frozenset(cut)
    )


def share(count, of):
    return Share.among(np.arange(of) < count)


def ceiling(cooperative, violating):
    one = OneThreshold.of(np.eye(4), labels(0, 1, 1, 1))
    return Ceiling(share(*cooperative), None, share(*violating), one, share(0, 1), share(0, 1))


def labels(*violating):
    """Of texts in dialogues of their own; quantity is violated, or nothing."""
    names = list(map(str, range(len(violating))))
    table = np.outer(violating, [1.0, 0, 0, 0])
    texts = [JudgedText("", name, None) for name in names]
    return LabelledTexts(texts, table, names, range(1, len(names) + 1), "")


def test_the_chance_of_a_good_one_among_some_of_the_answers():
    assert any_among(np.array([0, 1, 2, 4]), k=4, size=2) == pytest.approx([0, 1 / 2, 5 / 6, 1])


def test_reach_counts_finished_answers_and_asks_the_second_judge_about_the_best():
    first = judged(GOOD, BAD, BAD, GOOD, cut=[3])
    second = judged(WORSE, GOOD, GOOD, GOOD)
    thresholds = {TRAINED_AGAINST: 0.5, "second judge": 0.95}
    found = reaches({TRAINED_AGAINST: first, "second judge": second}, thresholds)
    laxly = [found[name].single_at_one_threshold for name in (*thresholds, BOTH)]
    assert laxly == [0.5, 1.0, None]
    assert found[TRAINED_AGAINST].single == 0.5
    assert found[TRAINED_AGAINST].any_of == {1: 0.25, 2: 0.5}  # the other good one doesn't end
    assert found["second judge"].any_of == {1: 0.5, 2: 1.0}
    assert found[BOTH].any_of == {1: 0.0, 2: 0.0}
    # Of the first prompt the training judge likes w best, of the second y, the only one that ends.
    bests = [found[name].best.count for name in (TRAINED_AGAINST, "second judge", BOTH)]
    assert bests == [1, 1, 0]


def test_one_threshold_is_the_one_that_tells_labelled_texts_apart_best():
    scores = np.zeros((6, 4))
    scores[:, 3] = [0.2, 0.3, 0.7, 0.4, 0.4, 0.9]
    found = OneThreshold.of(scores, labels(0, 0, 0, 1, 1, 1))
    assert found.value == 0.3  # above it stand a third of the cooperative texts and all others
    assert (found.cooperative.count, found.violating.count) == (2, 0)
    assert found.auroc == pytest.approx(7 / 9)  # 0.7 is above two of the three others


def test_a_judge_that_knows_cooperative_answers_is_corrected_and_one_that_does_not_is_not():
    found = ceiling(cooperative=(90, 100), violating=(10, 100)).corrected(0.6, 100)
    assert found.value == pytest.approx((0.6 - 0.1) / 0.8, abs=0.01)
    assert found.interval.low < 0.6 < found.value < found.interval.high
    assert ceiling(cooperative=(1, 12), violating=(4, 97)).corrected(0.6, 100) is None


def test_power_comes_from_answers_of_one_model_that_differ():
    rng = np.random.default_rng(0)
    scores = np.full((400, 4), 0.1)
    scores[:, 3] = np.where(rng.random(400) < 0.5, 0.9, 0.1)  # manner, by the toss of a coin
    prompts = [str(number) for number in range(100) for _ in range(4)]
    found = powers(EvaluatedModel("baseline", prompts, prompts, scores, THRESHOLDS), 0.05)
    assert found["manner"].discordance == pytest.approx(0.5, abs=0.05)
    assert found["manner"].detectable == pytest.approx(0.2, abs=0.02)
    # 7.84 · variance / margin², the variance of a difference being the share that differs
    needed = 7.84 * found["manner"].discordance / 0.05**2
    assert found["manner"].prompts_needed == pytest.approx(needed, rel=0.1)
    assert found["relation"].discordance == 0
    assert found["relation"].prompts_needed == 61  # of the interval's two added prompts alone
