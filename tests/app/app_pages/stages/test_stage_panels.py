"""What the Stages page draws and offers for rules, whatever their kind."""

from typing import Literal

import numpy as np

from app.app_pages.stages.stage_panels import stage_panels
from grice_core.data.border import find_border
from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.data.rules import CutLine, FilterRule, ThresholdRule
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.load import load_recipe
from grice_core.recipes.suggest import single_moves
from grice_core.recipes.thresholds import stage_thresholds
from tests.data.tables import table_of

MARGINS = table_of(np.random.default_rng(0).uniform(-1, 1, (50, 4)).tolist()).margins


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


def lines_of(*rules: FilterRule) -> dict[str, tuple[CutLine, ...]]:
    """The lines in each panel of a stage with these rules, by the panel's title."""
    stage = load_recipe("content-then-manner").stages[0].model_copy(update={"filter": rules})
    return {panel.title: tuple(line for _, line in panel.lines) for panel in stage_panels(stage)}


def test_the_guides_content_stage() -> None:
    lines = lines_of(*load_recipe("content-then-manner").stages[0].filter)
    either_way = (CutLine(-1, is_certain=False), CutLine(1, is_certain=False))
    assert lines == {
        "quantity": either_way,
        "quality": (),
        "relation": either_way,
        "manner": (),
        "quantity + relation": (CutLine(),),
    }


def test_a_sum_of_one_margin_cuts_through_its_own_histogram() -> None:
    lines = lines_of(*load_recipe("content-then-manner").stages[1].filter)
    assert lines["manner"] == (CutLine(),)
    assert list(lines) == list(MAXIMS)


def test_a_new_kind_is_one_class() -> None:
    rule = MeanRule(name="mean too small", maxims=(Maxim.QUALITY, Maxim.MANNER), above=0.1)
    margins = MARGINS
    filtered = apply_filter([rule], margins)
    np.testing.assert_array_equal(filtered.kept, margins[:, [1, 3]].mean(axis=1) > 0.1)
    assert set(filtered.drop_reasons()) == {"mean too small"}
    assert lines_of(rule)["mean of quality and manner"] == (CutLine(),)

    stage = load_recipe("content-then-manner").stages[0].model_copy(update={"filter": (rule,)})
    (threshold,) = stage_thresholds(stage)
    assert (threshold.statistic, threshold.range) == ("mean of quality and manner", (-1, 1))
    assert threshold.name == "stage1.filter.mean too small.above"
    (move,) = single_moves(stage, margins, filtered.num_kept + 1)
    assert move.kept > filtered.num_kept
    border = find_border([rule], margins, filtered, num=1)
    strengths = rule.strength(margins)
    assert strengths[border.just_kept[0]] == strengths[filtered.kept].min()
