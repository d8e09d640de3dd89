import pytest

from grice_core.evaluation.verdict import State, Verdict, judge
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged

MET, NOT_MET, UNDECIDED = State.MET, State.NOT_MET, State.UNDECIDED


def verdict(before: list[str], after: list[str], **criteria: float) -> Verdict:
    models = [judged("baseline", before), judged("stage1", before), judged("stage2", after)]
    return judge(models, EvaluationConfig(**criteria))


def states(verdict: Verdict) -> dict[str, State]:
    return {criterion.name: criterion.state for criterion in verdict.criteria}


def test_a_model_that_cures_everything_meets_all() -> None:
    result = verdict(["qtrm"] * 40 + ["-"] * 60, ["-"] * 100)

    assert result.state == MET
    assert states(result) == {"improves": MET, "cooperative": MET, "no_regression": MET}
    assert result.sentence.startswith(
        "Verdict: met. Cooperative 60.0 % → 100.0 % (+40.0 points, 95 % interval +"
    )
    assert result.sentence.endswith("100 prompts).")


def test_the_verdict_is_about_the_last_model_not_the_stage_between() -> None:
    worse_between = [
        judged("baseline", ["qtrm"] * 40 + ["-"] * 60),
        judged("stage1", ["qtrm"] * 100),
        judged("stage2", ["-"] * 100),
    ]

    assert judge(worse_between, EvaluationConfig()).state == MET


def test_the_same_ratio_on_few_prompts_is_undecided() -> None:
    result = verdict(["qtrm"] * 2 + ["-"] * 3, ["-"] * 5)

    assert result.state == UNDECIDED
    assert result.sentence.startswith("Verdict: too few prompts to tell.")


def test_one_maxim_that_gets_worse_is_enough_for_not_met() -> None:
    # Quantity: 0 → 35 of 100; the others: 40 → 0.
    result = verdict(["trm"] * 40 + ["-"] * 60, ["-"] * 65 + ["q"] * 35)

    assert states(result) == {
        "improves": NOT_MET,
        "cooperative": UNDECIDED,
        "no_regression": NOT_MET,
    }
    improves = result.criteria[0]
    assert improves.maxims == {
        "quantity": NOT_MET,
        "quality": MET,
        "relation": MET,
        "manner": MET,
    }
    assert "quantity +35.0 points" in improves.sentence
    assert "relation" not in improves.sentence
    assert result.state == NOT_MET


def test_a_maxim_that_the_baseline_never_violates_cannot_improve_and_says_so() -> None:
    result = verdict(["trm"] * 40 + ["-"] * 60, ["-"] * 100)

    assert states(result) == {"improves": UNDECIDED, "cooperative": MET, "no_regression": MET}
    assert "quantity 0.0 points" in result.criteria[0].sentence
    assert "no room to improve" in result.criteria[0].sentence


@pytest.mark.parametrize(
    ("cooperative", "state"),
    # Wilson's intervals for 45, 65 and 75 of 100: [35.6, 54.8], [55.3, 73.6], [65.7, 82.5].
    [(45, NOT_MET), (65, UNDECIDED), (75, MET)],
)
def test_the_whole_interval_has_to_reach_the_minimum(cooperative: int, state: State) -> None:
    result = verdict(["qtrm"] * 100, ["-"] * cooperative + ["q"] * (100 - cooperative))

    assert states(result)["cooperative"] == state


def test_the_target_is_told_but_not_required() -> None:
    below, above = (
        verdict(["qtrm"] * 400, ["-"] * n + ["q"] * (400 - n)).criteria[1] for n in (270, 285)
    )

    assert (below.state, above.state) == (MET, MET)
    assert "the target of 70 % is not reached" in below.sentence
    assert "the target of 70 % is reached" in above.sentence


def test_no_visible_change_on_few_prompts_is_no_proof_of_no_regression() -> None:
    few, many = (verdict(["q"] * n, ["q"] * n) for n in (10, 400))

    assert states(few)["no_regression"] == UNDECIDED
    assert states(many)["no_regression"] == MET


def test_numbers_of_the_recipe_count() -> None:
    before, after = ["qtrm"] * 100, ["-"] * 45 + ["q"] * 55

    assert states(verdict(before, after))["cooperative"] == NOT_MET
    assert states(verdict(before, after, min_cooperative=0.3))["cooperative"] == MET
