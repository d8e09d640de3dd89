"""The rows of the Compare page."""

from pathlib import Path

from app.app_pages.compare.answer_browser import model_answer
from app.app_pages.compare.comparison_tables import change_blocks, lost_again, rate_rows
from app.app_pages.compare.rates_figure import rates_figure
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.table import comparison_rows
from grice_core.evaluation.true_rates import TrueFigure, TrueRates
from grice_core.evaluation.true_rows import true_rows
from grice_core.evaluation.violations import MEASURES
from tests.evaluation.judged import judged
from tests.evaluation.pipelines import PROMPTS, stricter_judge, three_models, view_of


def test_rates_stand_with_their_interval_and_the_change(tmp_path: Path) -> None:
    view = view_of(tmp_path / "out", *three_models())
    rows = rate_rows(comparison_rows(view.stored.models, view.changes))
    relation = next(row for row in rows if row[0].text == "relation")
    assert [cell.text for cell in relation] == ["relation", "16.7 %", "0.0 %", "0.0 %", "−16.7"]
    assert all(cell.below.startswith("[") for cell in relation[1:])
    assert relation[-1].tone == ""  # six prompts show nothing beyond chance


def test_there_is_a_block_for_each_pair_of_models(tmp_path: Path) -> None:
    view = view_of(tmp_path / "out", *three_models())
    blocks = dict(change_blocks(view.changes))
    assert list(blocks) == [
        ("baseline", "stage1"),
        ("baseline", "stage2"),
        ("stage1", "stage2"),
    ]
    cooperative = blocks["baseline", "stage1"][-1]
    assert [cell.text for cell in cooperative[3:7]] == ["2", "0", "2", "2"]


def test_a_stage_that_loses_beyond_chance_is_named(tmp_path: Path) -> None:
    prompts = [f"prompt {i}" for i in range(40)]
    models = (
        judged("baseline", ["q"] * 40, prompts),
        judged("stage1", ["-"] * 40, prompts),
        judged("stage2", ["q"] * 20 + ["-"] * 20, prompts),
    )
    view = view_of(tmp_path / "out", *models)
    (quantity, cooperative) = lost_again(view.changes, "baseline")
    assert quantity.startswith("Stage 2 lost quantity: +50.0 points")
    assert cooperative.startswith("Stage 2 lost cooperative: −50.0 points")


def test_the_plot_has_a_dot_per_model_and_measure(tmp_path: Path) -> None:
    view = view_of(tmp_path / "out", *three_models())
    rows = comparison_rows(view.stored.models, view.changes)
    figure = rates_figure(["baseline", "stage1", "stage2"], rows, ["grey", "blue", "red"])
    assert [len(trace.x) for trace in figure.data] == [5, 5, 5]
    relation = 2
    assert figure.data[0].x[relation] == 1 / 6
    assert figure.data[0].x[relation] - figure.data[0].error_x.arrayminus[relation] > 0


def test_the_plot_shows_the_second_judge_and_what_labels_correct(tmp_path: Path) -> None:
    view = view_of(tmp_path / "out", *three_models(), second=stricter_judge())
    true = TrueFigure(0.25, Interval(0.1, 0.4), 0.0, 1.0, 60)
    figure = rates_figure(
        ["baseline", "stage1", "stage2"],
        view.rows,
        ["grey", "blue", "red"],
        view.second_rows,
        true_rows(
            TrueRates(60, {"stage2": dict.fromkeys(MEASURES, true)}, {}, None),
            ["baseline", "stage1", "stage2"],
        ),
    )
    assert [trace.marker.symbol for trace in figure.data] == [
        *["circle", "circle-open"] * 3,
        "diamond",
    ]
    assert [trace.showlegend for trace in figure.data].count(True) == 3
    manner = 3
    by_first, by_second, corrected = (trace.x[manner] for trace in figure.data[-3:])
    assert (by_first, by_second, corrected) == (1 / 6, 1, 0.25)


def test_an_answer_comes_with_its_four_scores() -> None:
    answer = model_answer(judged("stage1", ["rm"] * len(PROMPTS), PROMPTS), "blue", row=0)
    violated = [score.maxim for score in answer.scores if score.violated]
    assert violated == ["relation", "manner"]
