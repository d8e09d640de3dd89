"""The benchmark of rounds counts by the rules, prompt by prompt, over the model before the rounds."""

import numpy as np
import pytest

from benchmarks.demo import seeds_of
from benchmarks.demo_rounds import CONTROL, ROUNDS, Answered, document_of, recipe_of


def answered(seed, model, detector, rules):
    """Shares of ten prompts with one answer each."""
    columns = (np.array([[1.0]] * good + [[0.0]] * (10 - good)) for good in (detector, rules))
    return Answered(seed, model, *columns)


def test_gains_are_by_the_rules_over_the_seeds_together():
    found = [
        answered(0, "stage2", 9, 6),
        answered(0, ROUNDS, 9, 9),
        answered(0, CONTROL, 10, 5),
        answered(1, "stage2", 8, 7),
        answered(1, ROUNDS, 8, 8),
        answered(1, CONTROL, 10, 7),
    ]
    document = document_of(found)
    assert document["by"]["rules"] == pytest.approx({"stage2": 0.65, ROUNDS: 0.85, CONTROL: 0.6})
    assert document["by"]["detector"][CONTROL] == 1.0
    assert document["gain_rules"] == pytest.approx(0.2)
    assert document["control_gain_rules"] == pytest.approx(-0.05)
    low, high = document["gain_interval"]
    assert low < 0.2 < high


def test_the_control_has_the_same_stages_on_the_datas_pairs():
    own, control = (recipe_of(name, 2, ["round.num_steps=7"]) for name in (ROUNDS, CONTROL))
    assert control.stages[:2] == own.stages[:2]
    assert [stage.name for stage in control.stages[2:]] == ["control1", "control2"]
    assert not any(stage.is_from_model for stage in control.stages)
    assert {stage.num_steps for stage in control.stages[2:]} == {7}


def test_seeds_are_counted_or_named():
    assert seeds_of("3") == (0, 1, 2)
    assert seeds_of("2,5") == (2, 5)
    assert seeds_of("1,") == (1,)
