"""Thresholds have names, can be moved, and are told as overrides that `--set` takes."""

from grice_core.data.rules import AnyAbsRule, KeptByRule, SumRule
from grice_core.maxims import Maxim
from grice_core.recipes.load import load_recipe
from grice_core.recipes.thresholds import Threshold, move, moved, thresholds


def test_a_recipe_has_one_threshold_per_rule_in_order() -> None:
    found = thresholds(load_recipe("content-then-manner"))

    assert [(threshold.name, threshold.statistic, threshold.above) for threshold in found] == [
        ("stage1.filter.no strong signal.above", "|quantity| or |relation|", 0.3),
        ("stage1.filter.sum too small.above", "quantity + relation", 0.1),
        ("stage2.filter.manner.above", "manner", 0.2),
        ("stage2.filter.relation.above", "relation", -0.1),
        ("stage2.filter.quantity.above", "quantity", -0.1),
    ]


def test_a_rule_that_asks_other_stages_has_no_threshold() -> None:
    recipe = load_recipe("joint")

    assert isinstance(recipe.stages[0].filter[0], KeptByRule)
    assert thresholds(recipe) == ()


def test_what_was_moved_is_told_as_overrides_that_give_the_same_recipe() -> None:
    origin = load_recipe("content-then-manner")
    changed = move(
        origin, {"stage2.filter.manner.above": 0.05, "stage1.filter.sum too small.above": 1.0}
    )

    overrides = list(moved(changed, origin))

    assert overrides == [
        "stage1.filter.sum too small.above=1",
        "stage2.filter.manner.above=0.05",
    ]
    assert load_recipe("content-then-manner", overrides) == changed


def test_moving_leaves_the_original_alone() -> None:
    origin = load_recipe("content-then-manner")

    move(origin, {"stage2.filter.manner.above": 0.05})

    assert list(moved(origin, load_recipe("content-then-manner"))) == []


def test_a_rule_whose_name_would_be_misread_is_named_by_its_place() -> None:
    for name in ("manner > 0.2", "a=b", "7"):
        rule = SumRule(name=name, maxims=(Maxim.MANNER,), above=0.2)
        assert Threshold("stage2", 3, rule).name == "stage2.filter.3.above"


def test_a_threshold_ranges_over_what_its_rule_can_give() -> None:
    pair = (Maxim.QUANTITY, Maxim.RELATION)

    assert Threshold("s", 0, SumRule(name="sum", maxims=pair, above=0)).range == (-2, 2)
    assert Threshold("s", 0, AnyAbsRule(name="any", maxims=pair, above=0)).range == (0, 1)
