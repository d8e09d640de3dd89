"""What to judge next, and when it is enough."""

import numpy as np
import pytest

from grice_core.evaluation.gold import GoldLabels, Judgement
from grice_core.evaluation.judging_plan import JudgedPair, judging_plan
from grice_core.evaluation.verdict import State
from grice_core.evaluation.violation_chances import violation_chances
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged

NUM = 200
CONFIG = EvaluationConfig()


@pytest.fixture(scope="module")
def models() -> tuple[EvaluatedModel, ...]:
    return judged("baseline", ["qtrm", "-"] * (NUM // 2)), judged("stage1", ["-"] * NUM)


def agreeing(models, num: int) -> GoldLabels:
    """The detector's own word as gold labels of the first prompts."""
    return GoldLabels(
        [
            Judgement(
                model.prompts[row],
                model.responses[row],
                frozenset(maxim for maxim in MAXIMS if model.violated[row, maxim.column]),
            )
            for model in models
            for row in range(num)
        ]
    )


def plan(models, gold: GoldLabels):
    return judging_plan(JudgedPair.of(models, gold), CONFIG)


def test_before_the_tenth_prompt_nothing_is_said(models):
    found = plan(models, agreeing(models, 7))
    assert (found.state, found.is_decided) == (None, False)
    assert found.sentence() == "3 more prompts until there is a first estimate."
    assert found.chances[:7].tolist() == [0] * 7
    assert found.chances.sum() == pytest.approx(1)
    assert (found.chances[7:] > 0).all()


def test_it_says_what_it_hangs_on_and_how_many_more_would_do(models):
    found = plan(models, agreeing(models, 14))
    assert found.state == State.UNDECIDED
    assert found.undecided == ("cooperative",)
    assert found.sentence().startswith("It hangs on cooperative.")
    assert f"About {found.more} more prompts would decide the verdict." in found.sentence()
    assert plan(models, agreeing(models, 14 + 2 * found.more)).state == State.MET


def test_a_decision_ends_it(models):
    found = plan(models, agreeing(models, 120))
    assert (found.state, found.undecided) == (State.MET, ())
    assert found.sentence().startswith("Decided after 120 prompts: met.")


def test_when_every_prompt_is_judged_there_is_nothing_left():
    models = judged("baseline", ["q", "-"] * 10), judged("stage1", ["-", "-", "m", "-"] * 5)
    found = plan(models, agreeing(models, 20))
    assert not found.chances.any()
    assert "it takes more evaluation prompts" in found.sentence()


def test_doubtful_prompts_are_asked_first():
    scores = np.full((NUM, 4), 0.01)
    scores[:20, 3] = 0.5  # the detector can't tell manner
    models = [
        EvaluatedModel(
            name,
            [f"prompt {row}" for row in range(NUM)],
            [f"{name} {row}" for row in range(NUM)],
            scores,
            np.full(4, 0.5),
        )
        for name in ("baseline", "stage1")
    ]
    chances = plan(models, GoldLabels([])).chances
    assert chances[:20].min() > 1.5 * chances[20:].max()


def test_labels_correct_what_the_detector_is_taken_to_know():
    scores = np.full((100, 1), 0.1)
    labels = np.full((100, 1), np.nan)
    thresholds = np.array([0.5])
    taken = violation_chances(scores, thresholds, labels)[0, 0]
    labels[:30] = 1  # it is fooled: what it calls sound is violated
    assert taken == pytest.approx(0.1)
    assert violation_chances(scores, thresholds, labels)[50, 0] > 0.6


def test_a_score_at_its_threshold_is_taken_for_a_half():
    chances = violation_chances(
        np.array([[0.2, 0.9]]), np.array([0.2, 0.9]), np.full((1, 2), np.nan)
    )
    assert chances.tolist() == [[0.5, 0.5]]
