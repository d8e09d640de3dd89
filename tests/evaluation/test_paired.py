import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from grice_core.errors import DataError
from grice_core.evaluation.paired import Transitions, incomparable, paired_changes, sign_test
from tests.evaluation.judged import judged


def test_changes_and_transitions_are_counted_prompt_by_prompt() -> None:
    # Quantity: fixed, fixed, broken, still violated, still fine.
    before = judged("baseline", ["q", "q", "-", "q", "-"])
    after = judged("stage1", ["-", "-", "q", "q", "-"])

    change = paired_changes(before, after)["quantity"]

    assert change.change == pytest.approx(-0.2)
    assert (change.prompts_up, change.prompts_down, change.num_prompts) == (1, 2, 5)
    assert change.transitions == Transitions(fixed=2, broken=1, still_violated=1, still_fine=1)
    assert change.interval.low < -0.2 < change.interval.high


def test_cooperative_counts_as_violated_when_any_maxim_is() -> None:
    before = judged("baseline", ["q", "-", "m", "-"])
    after = judged("stage1", ["-", "r", "t", "-"])

    change = paired_changes(before, after)["cooperative"]

    assert change.transitions == Transitions(fixed=1, broken=1, still_violated=1, still_fine=1)
    assert change.change == 0


@pytest.mark.parametrize(("up", "down"), [(0, 6), (1, 9), (4, 4), (12, 30)])
def test_the_sign_test_is_mcnemars_exact_test(up: int, down: int) -> None:
    expected = mcnemar([[50, up], [down, 50]], exact=True).pvalue

    assert sign_test(up, down) == pytest.approx(expected)


def test_six_of_six_falling_by_hand() -> None:
    assert sign_test(0, 6) == pytest.approx(2 * 0.5**6)


def test_no_change_has_a_p_value_of_1() -> None:
    assert sign_test(0, 0) == 1


def test_models_are_compared_on_the_prompts_that_both_answered() -> None:
    before = judged("a", ["q", "q", "-"], prompts=["x", "y", "z"])
    after = judged("b", ["-", "-", "q"], prompts=["z", "y", "w"])

    change = paired_changes(before, after)["quantity"]

    # y goes from violated to fine, z stays fine.
    assert change.num_prompts == 2
    assert change.change == pytest.approx(-0.5)


def test_several_responses_count_as_their_prompts_mean() -> None:
    prompts = ["x", "x", "y", "y"]
    before = judged("a", ["q", "q", "q", "-"], prompts=prompts)
    after = judged("b", ["-", "q", "-", "-"], prompts=prompts)

    change = paired_changes(before, after)["quantity"]

    # x: 1 → ½, y: ½ → 0.
    assert change.change == pytest.approx(-0.5)
    assert (change.prompts_up, change.prompts_down) == (0, 2)
    assert change.transitions == Transitions(fixed=2, broken=0, still_violated=1, still_fine=1)


def test_models_without_a_common_prompt_are_refused() -> None:
    with pytest.raises(DataError, match="a and b have no evaluation prompt in common"):
        paired_changes(judged("a", ["-"], prompts=["x"]), judged("b", ["-"], prompts=["y"]))


def test_models_with_different_numbers_of_samples_are_refused() -> None:
    with pytest.raises(DataError, match="a and b have 1 and 2 responses per prompt"):
        paired_changes(
            judged("a", ["-"], prompts=["x"]), judged("b", ["-", "-"], prompts=["x"] * 2)
        )


def test_by_chance_alone_the_test_rarely_rejects() -> None:
    ups = np.random.default_rng(0).binomial(40, 0.5, size=2000)
    distinct, repeats = np.unique(ups, return_counts=True)

    rejected = np.array([sign_test(int(up), 40 - int(up)) < 0.05 for up in distinct])

    assert (rejected * repeats).sum() / 2000 <= 0.05


def test_what_cannot_be_paired_says_why() -> None:
    assert incomparable(["a", "b"], ["c"]) == "no evaluation prompt in common"
    assert incomparable(["a", "b"], ["b", "b"]) == "1 and 2 responses per prompt"
    assert incomparable(["a", "b"], ["b", "c"]) is None
