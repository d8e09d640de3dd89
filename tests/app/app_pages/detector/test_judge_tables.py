"""How well one detector judges, and two beside each other."""

from app.app_pages.detector.judge_tables import (
    agreement_rows,
    comparison_rows,
    comparison_titles,
    metrics_rows,
)
from app.ui.number_table import Cell
from grice_core.detector.metrics import Estimate, MaximMetrics, Metrics
from grice_core.detector.record import Agreement
from grice_core.maxims import MAXIMS, Maxim


def metrics(value: float, low: float, high: float) -> Metrics:
    figure = Estimate(value=value, low=low, high=high)
    one = MaximMetrics(
        support=9, f1=figure, precision=figure, recall=figure, auroc=None, ece=figure
    )
    return Metrics(
        num_texts=80, data_sha256="same", macro_f1=value, maxims=dict.fromkeys(MAXIMS, one)
    )


def test_one_is_better_where_the_intervals_do_not_touch() -> None:
    rows = comparison_rows(metrics(0.9, 0.8, 1.0), metrics(0.5, 0.4, 0.6), ("new", "old"))

    assert rows[Maxim.MANNER.column] == [
        Cell("manner"),
        Cell("0.90", "[0.80, 1.00]"),
        Cell("0.50", "[0.40, 0.60]"),
        Cell("+0.40"),
        Cell("new"),
    ]
    turned = comparison_rows(metrics(0.5, 0.4, 0.6), metrics(0.9, 0.8, 1.0), ("new", "old"))
    assert turned[Maxim.MANNER.column][-1] == Cell("old")


def test_where_they_touch_it_cannot_be_told() -> None:
    rows = comparison_rows(metrics(0.9, 0.6, 1.0), metrics(0.5, 0.4, 0.6), ("new", "old"))

    assert {row[-1].text for row in rows} == {"undecided"}


def test_detectors_of_the_same_name_are_told_apart() -> None:
    titles = comparison_titles(("judge", "judge"))
    assert len(set(titles)) == len(titles)

    rows = comparison_rows(metrics(0.5, 0.4, 0.6), metrics(0.9, 0.8, 1.0), ("judge", "judge"))

    assert rows[Maxim.MANNER.column][-1].text == titles[2]


def test_the_figures_of_a_maxim_stand_above_their_intervals() -> None:
    rows = metrics_rows(metrics(0.9, 0.8, 1.0))

    figure = Cell("0.90", "[0.80, 1.00]")
    assert len(rows) == len(MAXIMS)
    assert rows[0] == [Cell("quantity"), Cell("9"), figure, figure, figure, Cell("–"), figure]


def test_a_distilled_detector_is_compared_with_its_teacher() -> None:
    near = Agreement(spearman=-0.25, same_verdict=0.905, mean_abs_difference=0.071)

    rows = agreement_rows(dict.fromkeys(MAXIMS, near))

    assert [cell.text for cell in rows[Maxim.MANNER.column]] == [
        "manner",
        "90.5 %",
        "−0.25",
        "0.07",
    ]
