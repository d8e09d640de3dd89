import numpy as np

from grice_core.demo.truth import judge_twice, truth_document
from grice_core.evaluation.violations import EvaluatedModel
from tests.demo.talk import ABOUT_THE_OPENING

NOTHING = [0.0, 0.0, 0.0, 0.0]
QUALITY = [0.0, 1.0, 0.0, 0.0]


def judged(responses: list[str], scores: list[list[float]]):
    model = EvaluatedModel(
        name="baseline",
        prompts=[ABOUT_THE_OPENING.prompt] * len(responses),
        responses=responses,
        scores=np.array(scores),
        thresholds=np.full(4, 0.5),
    )
    (one,) = judge_twice([model], {ABOUT_THE_OPENING.prompt: ABOUT_THE_OPENING})
    return one


def test_rates_of_both_judges_stand_side_by_side():
    one = judged(["It was opened in 1923.", "It was opened in 1873."], [NOTHING, NOTHING])
    assert (one.detector["quality"], one.oracle["quality"]) == (0.0, 0.5)
    assert (one.detector["cooperative"], one.oracle["cooperative"]) == (1.0, 0.5)


def test_agreement_is_counted_per_response():
    # Both judges find one violation of quality in two responses, but not in the same one.
    one = judged(["It was opened in 1923.", "It was opened in 1873."], [QUALITY, NOTHING])
    assert one.detector["quality"] == one.oracle["quality"] == 0.5
    assert one.agreement["quality"] == 0.0
    assert one.agreement["manner"] == 1.0


def test_the_document_names_the_model_and_all_measures():
    (entry,) = truth_document([judged(["It was opened in 1923."], [NOTHING])])
    assert entry["model"] == "baseline"
    assert list(entry["agreement"]) == ["quantity", "quality", "relation", "manner", "cooperative"]
