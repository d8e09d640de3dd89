"""Prompts by what the stages did to their answers."""

import numpy as np
import pytest

from grice_core.evaluation.prompt_groups import prompt_groups
from grice_core.evaluation.violations import EvaluatedModel
from tests.evaluation.judged import judged
from tests.evaluation.pipelines import three_models


def test_each_stage_is_held_against_the_model_before_it() -> None:
    found = {group.title: sorted(group.rows.tolist()) for group in prompt_groups(three_models())}
    assert found == {
        "fixed by stage1": [0, 1],
        "broken by stage1": [],
        "fixed by stage2": [2],
        "broken by stage2": [4],
        "still violated": [3],
        "all": [0, 1, 2, 3, 4, 5],
    }


@pytest.mark.parametrize(
    ("maxim", "fixed"), [("quantity", [1]), ("quality", []), ("relation", [0]), ("manner", [1])]
)
def test_a_maxim_looks_at_its_own_violations_only(maxim: str, fixed: list[int]) -> None:
    groups = {group.title: group.rows.tolist() for group in prompt_groups(three_models(), maxim)}
    assert groups["fixed by stage1"] == fixed


def test_the_largest_change_of_score_comes_first() -> None:
    before, after = judged("baseline", ["r", "r", "r"]), judged("stage1", ["-", "-", "-"])
    scores = after.scores.copy()
    scores[:, 2] = [0.4, 0.01, 0.2]
    milder = EvaluatedModel("stage1", after.prompts, after.responses, scores, np.full(4, 0.5))
    fixed = prompt_groups([before, milder], "relation")[0]
    assert fixed.rows.tolist() == [1, 2, 0]
