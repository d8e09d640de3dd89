"""The summary's numbers are those of the kept pairs."""

import json

import pytest

from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.summary import StagesSummary, summarise
from tests.data.tables import UNSCORED, table_of


def summary_of(
    margins: list[tuple[float, ...]], recipe: str = "content-then-manner"
) -> StagesSummary:
    table = table_of(margins)
    planned = plan_stages(load_recipe(recipe), table, seed=0)
    return summarise({stage.config.name: stage.filtered for stage in planned}, table.margins)


def test_kept_and_dropped_pairs_are_counted_and_described() -> None:
    summary = summary_of([(0.5, 0, 0, -0.0625), (0.75, -0.25, 0, 0.25), (0, 0, 0, 0.5), UNSCORED])

    document = json.loads(json.dumps(summary.as_json()))
    margins = document["stages"][0].pop("margins")
    assert document["num_pairs"] == 4
    assert document["stages"][0] == {
        "name": "stage1",
        "kept": 2,
        "retention": 0.5,
        "dropped": {"unscored": 1, "no strong signal": 1, "sum too small": 0},
    }
    assert margins == {
        # population sd of 0.5 and 0.75
        "quantity": {"mean": 0.625, "std": 0.125, "negative": 0, "opposite": 0},
        "quality": {"mean": -0.125, "std": 0.125, "negative": 1, "opposite": 1},
        "relation": {"mean": 0.0, "std": 0.0, "negative": 0, "opposite": 0},
        "manner": {"mean": 0.09375, "std": 0.15625, "negative": 1, "opposite": 0},
    }
    assert document["overlap"] == {"stage1&stage2": 1}


def test_a_stage_that_keeps_nothing_has_no_mean() -> None:
    stage = summary_of([(0, 0, 0, 0)]).as_json()["stages"][0]
    assert stage["margins"]["manner"] == {
        "mean": None,
        "std": None,
        "negative": 0,
        "opposite": 0,
    }


def test_no_pairs_have_no_retention() -> None:
    assert summary_of([]).stages[0].retention == 0


def test_one_stage_overlaps_with_none() -> None:
    assert summary_of([(0.5, 0, 0, 0)], "joint").overlap == {}


def test_the_counts_add_up() -> None:
    summary = summary_of([(n / 20, 0, -n / 40, n / 20) for n in range(-20, 21)])
    for stage in summary.stages:
        assert stage.kept + sum(stage.dropped.values()) == summary.num_pairs == 41
        assert stage.retention == pytest.approx(stage.kept / 41)
