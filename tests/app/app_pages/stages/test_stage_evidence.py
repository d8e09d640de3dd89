"""What the board of the Stages page draws, before it is drawn."""

import numpy as np

from app.app_pages.stages.stage_evidence import learned_rows, waterfall_rows
from app.ui.histogram_row import Panel, panel_data
from grice_core.data.rules import Cut
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.load import load_recipe
from grice_core.recipes.summary import MarginSummary, StageSummary


def summary(**means: float | None) -> StageSummary:
    margins = {
        maxim: MarginSummary(means.get(maxim), None if means.get(maxim) is None else 0.1)
        for maxim in MAXIMS
    }
    return StageSummary("stage2", 3, 0.3, {}, margins)


def test_each_reason_takes_its_share_off_all_pairs_and_the_rest_is_kept() -> None:
    rows = waterfall_rows({"no strong signal": 60, "sum too small": 10}, num_kept=30)

    assert [row["name"] for row in rows] == ["no strong signal", "sum too small", "kept"]
    assert [row["start"] for row in rows] == [0, 0.6, 0.7]
    assert [row["share"] for row in rows] == [0.6, 0.1, 0.3]
    assert [row["is_kept"] for row in rows] == [False, False, True]


def test_without_pairs_no_bar_is_drawn() -> None:
    assert [row["share"] for row in waterfall_rows({"manner": 0}, num_kept=0)] == [0, 0]


def test_only_maxims_that_are_trained_on_need_a_sign() -> None:
    _, stage = load_recipe("content-then-manner").stages

    rows = {row["maxim"]: row for row in learned_rows(stage, summary(manner=-0.2, quality=-0.3))}

    assert rows["manner"]["mean_sd"] == "−0.20 ± 0.10"
    assert rows["manner"]["verdict"] == "✗ no"
    assert rows["quality"]["verdict"] == "not trained here"


def test_a_stage_that_keeps_nothing_says_so() -> None:
    _, stage = load_recipe("content-then-manner").stages

    rows = {row["maxim"]: row for row in learned_rows(stage, summary())}

    assert (rows["manner"]["mean_sd"], rows["manner"]["verdict"]) == ("–", "no pairs")


def test_a_histogram_is_drawn_where_there_are_pairs_or_lines_and_a_little_around() -> None:
    total = np.zeros(100, dtype=np.int64)
    total[50] = 4
    kept = np.zeros_like(total)
    panel = Panel(
        title=Maxim.MANNER,
        colour="#000000",
        edges=np.linspace(-1, 1, 101),
        total=total,
        kept=kept,
        cuts=(Cut(0.21),),
    )

    data = panel_data(panel)

    assert round(data["low"], 9) == -0.04  # two bins before the pairs
    assert len(data["total"]) == 60 + 3 - 48  # and up to two bins behind the line
    assert data["summary"] == "0 of 4 pairs"
