import numpy as np
import pytest

from grice_core.evaluation.violations import MEASURES, EvaluatedModel
from tests.evaluation.judged import judged


def test_a_response_without_a_violation_is_cooperative() -> None:
    model = judged("m", ["-", "q", "rm", "q"])

    assert model.cooperative.tolist() == [True, False, False, False]
    assert model.rates == {
        "quantity": 0.5,
        "quality": 0.0,
        "relation": 0.25,
        "manner": 0.25,
        "cooperative": 0.25,
    }


def test_a_score_at_the_threshold_is_no_violation() -> None:
    scores = np.array([[0.5, 0.5001, 0.2, 0.3]])
    model = EvaluatedModel("m", ["p"], ["r"], scores, np.array([0.5, 0.5, 0.5, 0.25]))

    assert model.violated.tolist() == [[False, True, False, True]]


def test_outcomes_stand_by_prompt_sample_and_measure() -> None:
    model = judged("m", ["q", "-", "-", "r"], prompts=["a", "b", "a", "b"])

    assert (model.num_prompts, model.samples_per_prompt) == (2, 2)
    outcomes = model.outcomes_of(["b", "a"])
    assert outcomes.shape == (2, 2, 5)
    assert outcomes[..., MEASURES.index("cooperative")].tolist() == [[1, 0], [0, 1]]
    assert outcomes[..., MEASURES.index("relation")].tolist() == [[0, 1], [0, 0]]


def test_uneven_numbers_of_responses_are_refused() -> None:
    with pytest.raises(ValueError, match="m: every prompt needs the same number"):
        _ = judged("m", ["-", "-", "-"], prompts=["a", "a", "b"]).rows_of_prompt


@pytest.mark.parametrize("scores", [np.full((1, 4), np.nan), np.zeros((2, 4)), np.zeros((1, 3))])
def test_scores_that_do_not_fit_are_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="score"):
        EvaluatedModel("m", ["p"], ["r"], scores, np.full(4, 0.5))
