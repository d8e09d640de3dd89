"""What the Stages page draws and offers for rules, whatever their kind."""

from typing import Literal

import numpy as np

from app.app_pages.stages.stage_panels import stage_panels
from app.state.open_data import OpenData
from grice_core.data.border import find_border
from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.data.rules import Cut, FilterRule, ThresholdRule
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.load import load_recipe
from grice_core.recipes.suggest import single_moves
from grice_core.recipes.thresholds import stage_thresholds
from tests.data.tables import table_of

DATA = OpenData(table_of(np.random.default_rng(0).uniform(-1, 1, (50, 4)).tolist()))


class MeanRule(ThresholdRule):
    """A kind that the package does not have: nothing else needs to know of it."""

    kind: Literal["mean"] = "mean"

    def strength(self, margins: FloatArray) -> FloatArray:
        return np.asarray(np.mean(self.columns(margins), axis=0))

    @property
    def statistic(self) -> str:
        return f"mean of {' and '.join(self.maxims)}"

    @property
    def range(self) -> tuple[float, float]:
        return -1.0, 1.0


def cuts_of(*rules: FilterRule) -> dict[str, tuple[Cut, ...]]:
    """The cuts in each panel of a stage with these rules, by the panel's title."""
    stage = load_recipe("content-then-manner").stages[0].model_copy(update={"filter": rules})
    kept = apply_filter(rules, DATA.margins).kept
    return {panel.title: panel.cuts for panel in stage_panels(DATA, stage, kept)}


def test_the_guides_content_stage() -> None:
    cuts = cuts_of(*load_recipe("content-then-manner").stages[0].filter)
    either_way = (Cut(-0.3, is_certain=False), Cut(0.3, is_certain=False))
    assert cuts == {
        "quantity": either_way,
        "quality": (),
        "relation": either_way,
        "manner": (),
        "quantity + relation": (Cut(0.1),),
    }


def test_a_sum_of_one_margin_cuts_through_its_own_histogram() -> None:
    cuts = cuts_of(*load_recipe("content-then-manner").stages[1].filter)
    assert cuts["manner"] == (Cut(0.2),)
    assert list(cuts) == list(MAXIMS)


def test_a_new_kind_is_one_class() -> None:
    rule = MeanRule(name="mean too small", maxims=(Maxim.QUALITY, Maxim.MANNER), above=0.1)
    margins = DATA.margins
    filtered = apply_filter([rule], margins)
    np.testing.assert_array_equal(filtered.kept, margins[:, [1, 3]].mean(axis=1) > 0.1)
    assert set(filtered.drop_reasons()) == {"mean too small"}
    assert cuts_of(rule)["mean of quality and manner"] == (Cut(0.1),)

    stage = load_recipe("content-then-manner").stages[0].model_copy(update={"filter": (rule,)})
    (threshold,) = stage_thresholds(stage)
    assert (threshold.statistic, threshold.range) == ("mean of quality and manner", (-1, 1))
    assert threshold.name == "stage1.filter.mean too small.above"
    (move,) = single_moves(stage, margins, filtered.num_kept + 1)
    assert move.kept > filtered.num_kept
    border = find_border([rule], margins, filtered, num=1)
    strengths = rule.strength(margins)
    assert strengths[border.just_kept[0]] == strengths[filtered.kept].min()
