from grice_core.evaluation.retention import Retention, retention
from tests.evaluation.judged import judged


def test_gains_of_a_stage_are_followed_into_the_next() -> None:
    models = [
        judged("baseline", ["q", "q", "q", "q", "-"]),
        # Fixes three.
        judged("stage1", ["-", "-", "-", "q", "-"]),
        # Loses one of them, and fixes another one, which had not been gained before.
        judged("stage2", ["q", "-", "-", "-", "-"]),
    ]

    found = retention(models)

    assert found[0] == Retention("quantity", "stage1", "stage2", gained=3, kept=2)
    assert found[0].share == 2 / 3
    assert found[1] == Retention("quality", "stage1", "stage2", gained=0, kept=0)
    assert found[1].share is None


def test_a_response_that_is_cooperative_in_another_way_is_still_fine() -> None:
    models = [judged("baseline", ["q"]), judged("stage1", ["-"]), judged("stage2", ["m"])]

    found = {item.measure: item.kept for item in retention(models)}

    assert (found["quantity"], found["cooperative"]) == (1, 0)


def test_one_stage_can_lose_nothing() -> None:
    assert retention([judged("baseline", ["q"]), judged("stage1", ["-"])]) == []


def test_of_three_stages_two_can_lose_something() -> None:
    models = [judged(name, ["-"]) for name in ("baseline", "stage1", "stage2", "stage3")]

    pairs = [(item.before, item.after) for item in retention(models)]

    assert pairs[::5] == [("stage1", "stage2"), ("stage2", "stage3")]
