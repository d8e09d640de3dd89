import pytest
from statsmodels.stats.multitest import multipletests

from grice_core.evaluation.comparison import between_pipelines, compared, corrected
from tests.evaluation.judged import judged

MODELS = [
    judged("baseline", ["q"] * 30 + ["-"] * 70),
    judged("stage1", ["q"] * 24 + ["-"] * 76),
    judged("stage2", ["-"] * 94 + ["m"] * 6),
]


def test_each_stage_is_compared_with_the_baseline_and_with_the_stage_before() -> None:
    pairs = [(change.before, change.after) for change in compared(MODELS)]

    assert pairs[::5] == [("baseline", "stage1"), ("baseline", "stage2"), ("stage1", "stage2")]
    assert len(pairs) == 15


def test_holm_by_hand() -> None:
    # Quantity falls in 6 of 6 prompts, manner rises in 3 of 3; p = 0.03125 and 0.25, the others 1.
    before = judged("a", ["q"] * 6 + ["-"] * 4)
    after = judged("b", ["-"] * 6 + ["-"] + ["m"] * 3)
    found = {item.change.measure: item for item in corrected(compared([before, after]))}

    assert found["quantity"].change.p_value == pytest.approx(0.03125)
    assert found["quantity"].p_holm == pytest.approx(5 * 0.03125)
    # Cooperative: 6 fixed, 3 broken, p = 2 · (1 + 9 + 36 + 84) / 2⁹ = 0.508.
    assert found["manner"].p_holm == pytest.approx(4 * 0.25)
    assert found["quality"].p_holm == 1
    assert found["quantity"].num_tests == 5


def test_all_tests_given_are_corrected_together() -> None:
    changes = compared(MODELS)

    expected = multipletests([change.p_value for change in changes], method="holm")[1]

    assert [item.p_holm for item in corrected(changes)] == pytest.approx(expected.tolist())
    assert corrected(changes[:5])[0].p_holm < corrected(changes)[0].p_holm


def test_stars_go_by_the_corrected_p_value() -> None:
    found = {
        (item.change.before, item.change.measure): item.stars
        for item in corrected(compared(MODELS))
        if item.change.after == "stage2"
    }

    # 30 of 30 fixed: p ≈ 2·10⁻⁹. 6 of 6 broken: p = 0.031, times 15 is no longer below 0.05.
    assert found["baseline", "quantity"] == "***"
    assert found["baseline", "manner"] == ""


def test_no_changes_need_no_correction() -> None:
    assert corrected([]) == []


def test_pipelines_are_told_apart_by_name() -> None:
    change = between_pipelines(("out1", MODELS[2]), ("out2", MODELS[1]))[0]

    assert (change.before, change.after) == ("out1: stage2", "out2: stage1")
    assert change.change == pytest.approx(0.24)


def test_several_samples_see_smaller_changes_in_rates() -> None:
    """With four samples a prompt that differs moves by a quarter, here."""
    prompts = [f"p{i // 4}" for i in range(160)]
    before = judged("a", ["q", "-", "-", "-"] * 20 + ["-"] * 80, prompts)
    after = judged("b", ["-"] * 160, prompts)

    found = corrected(compared([before, after]))[0]

    assert found.change.mean_size == pytest.approx(0.25)
    assert found.detectable is not None
    assert found.detectable < 0.15
