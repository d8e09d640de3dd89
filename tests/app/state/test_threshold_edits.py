"""A cut can be changed, taken back, told by a link and read from one."""

import pytest

from app.state.threshold_edits import Cut, from_overrides
from grice_core.recipes.load import load_recipe
from grice_core.recipes.thresholds import thresholds

MANNER = "stage2.filter.manner.above"


@pytest.fixture
def cut() -> Cut:
    recipe = load_recipe("content-then-manner")
    return Cut("content-then-manner", recipe, recipe)


def values(cut: Cut) -> dict[str, float]:
    return {found.name: found.above for found in thresholds(cut.recipe)}


def test_a_change_can_be_undone(cut: Cut) -> None:
    changed = cut.with_moves({MANNER: 0.1}).with_moves({MANNER: 0.05})

    assert values(changed)[MANNER] == 0.05
    assert values(changed.undone())[MANNER] == 0.1
    assert changed.undone().undone().recipe == cut.recipe
    assert cut.undone() is cut


def test_what_was_undone_can_be_done_again_until_something_else_is_changed(cut: Cut) -> None:
    changed = cut.with_moves({MANNER: 0.1}).with_moves({MANNER: 0.05})

    assert changed.undone().undone().redone().redone() == changed
    assert changed.redone() is changed
    assert changed.undone().with_moves({MANNER: 0.3}).future == ()


def test_back_and_forward_go_to_cuts_that_were_there_and_keep_the_others(cut: Cut) -> None:
    first = cut.with_moves({MANNER: 0.1})
    second = first.with_moves({MANNER: 0.05})

    back = second.back_at(first.overrides)

    assert back == second.undone()
    assert back.back_at(second.overrides) == second
    assert second.back_at([]) == second.undone().undone()
    assert second.back_at([f"{MANNER}=0.7"]) is None


def test_what_changes_nothing_is_nothing_to_undo(cut: Cut) -> None:
    assert cut.with_moves({MANNER: 0.2}) is cut


def test_the_guides_values_come_back_and_that_can_be_undone(cut: Cut) -> None:
    changed = cut.with_moves({MANNER: 0.1})

    assert cut.is_as_guided
    assert not changed.is_as_guided
    assert values(changed.as_guided())[MANNER] == 0.2
    assert values(changed.as_guided().undone())[MANNER] == 0.1


def test_a_link_gives_the_cut_that_made_it(cut: Cut) -> None:
    changed = cut.with_moves({MANNER: 0.05})

    again = from_overrides(cut.key, cut.origin, changed.overrides)

    assert again.recipe == changed.recipe


@pytest.mark.parametrize(
    "override", ["nonsense", f"{MANNER}=nan", f"{MANNER}=7", f"{MANNER}=x", "stage9.a.above=1"]
)
def test_what_a_link_gets_wrong_is_left_out(cut: Cut, override: str) -> None:
    assert from_overrides(cut.key, cut.origin, [override]).recipe == cut.recipe
