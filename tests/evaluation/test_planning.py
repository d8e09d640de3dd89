"""What a number of prompts can tell, before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest

from grice_core.evaluation import planning
from grice_core.evaluation.planning import criterion_power, power_sentences, prompts_to_take
from grice_core.evaluation.selection import AUTO_PROMPTS
from grice_core.evaluation.verdict import State, judge
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig

CRITERIA = EvaluationConfig()


def test_the_number_that_is_taken_where_none_is_named_is_enough_and_no_smaller_one_is() -> None:
    assert prompts_to_take(CRITERIA) == AUTO_PROMPTS == 300


def test_a_hundred_prompts_leave_most_verdicts_open() -> None:
    found = criterion_power(CRITERIA, 100)
    assert found.undecided == pytest.approx(0.58, abs=0.02)
    undecided, each = power_sentences(CRITERIA, found, 1_000)
    assert undecided == (
        "With 100 prompts, a model that improves every maxim, the least from 10 to 3 %, stays undecided in "
        f"{100 * found.undecided:.0f} % of cases: take 300."
    )
    assert "at least 60 % cooperative 100 %, none more than 5 points worse 97 %." in each


def test_enough_prompts_need_no_advice_and_too_few_are_told_what_there_is() -> None:
    enough = criterion_power(CRITERIA, 300)
    assert power_sentences(CRITERIA, enough, 300)[0].endswith("stays undecided in 7 % of cases.")
    few = power_sentences(CRITERIA, criterion_power(CRITERIA, 100), 120)[0]
    assert few.endswith("take 300, or more answers per prompt; the data can give 120 prompts.")


def test_several_answers_per_prompt_tell_more_though_less_than_as_many_prompts() -> None:
    one, five, all_apart = (
        criterion_power(CRITERIA, num, k).improves for num, k in ((40, 1), (40, 5), (200, 1))
    )
    assert one < five < all_apart
    told = power_sentences(CRITERIA, replace(criterion_power(CRITERIA, 40, 5), undecided=0.0), 40)[
        0
    ]
    assert told.startswith("With 40 prompts and 5 answers to each, a model")


def test_criteria_that_such_a_model_would_not_meet_are_named() -> None:
    strict = EvaluationConfig(min_cooperative=0.9)
    (told,) = power_sentences(strict, criterion_power(strict, 100), 100)
    assert told.endswith("would be 83 % cooperative, and at least 90 % are demanded.")


@pytest.mark.parametrize(("rising", "bound"), [(0, 0.0), (3, 0.0), (3, 0.05), (40, 0.0)])
def test_the_least_change_that_is_seen_is_found_from_any_guess(rising: int, bound: float) -> None:
    def high(falling: int) -> float:
        differences = np.repeat([1.0, -1.0, 0.0], [rising, falling, 60 - rising - falling])
        return float(planning.paired_interval(differences).high)

    by_search = next((n for n in range(60 - rising + 1) if high(n) < bound), 60 - rising + 1)
    assert planning._least_falling(60, rising, bound) == by_search


def test_it_is_the_verdict_s_own_intervals_that_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws, judged as a pipeline's answers are."""
    monkeypatch.setattr(planning, "NUM_EXPERIMENTS", 30)
    generator = np.random.default_rng(0)
    rates = np.array([planning.LEAST, *[planning.OTHERS] * 3])
    states = []
    for _ in range(30):
        models = [
            EvaluatedModel(
                name,
                [str(i) for i in range(140)],
                ["an answer"] * 140,
                (generator.random((140, 4)) < of).astype(float),
                np.full(4, 0.5),
            )
            for name, of in zip(("baseline", "stage1"), rates.T, strict=True)
        ]
        states.append(judge(models, CRITERIA).state)
    planning._simulated.cache_clear()
    found = criterion_power(CRITERIA, 140)
    planning._simulated.cache_clear()
    assert found.met == states.count(State.MET) / 30
    assert found.undecided == states.count(State.UNDECIDED) / 30
    assert 0 < found.met < 1
