"""Two detectors beside each other."""

from app.components.detector_evaluation import comparison_table
from grice_core.detector.metrics import Estimate, MaximMetrics, Metrics
from grice_core.maxims import MAXIMS


def metrics(value: float, low: float, high: float) -> Metrics:
    figure = Estimate(value=value, low=low, high=high)
    one = MaximMetrics(
        support=9, f1=figure, precision=figure, recall=figure, auroc=None, ece=figure
    )
    return Metrics(
        num_texts=80, data_sha256="same", macro_f1=value, maxims=dict.fromkeys(MAXIMS, one)
    )


def test_one_is_better_where_the_intervals_do_not_touch() -> None:
    table = comparison_table(metrics(0.9, 0.8, 1.0), metrics(0.5, 0.4, 0.6), ("new", "old"))

    assert table.loc["manner"].tolist() == [
        "0.90 [0.80, 1.00]",
        "0.50 [0.40, 0.60]",
        "+0.40",
        "new",
    ]
    turned = comparison_table(metrics(0.5, 0.4, 0.6), metrics(0.9, 0.8, 1.0), ("new", "old"))
    assert turned.loc["manner", "better"] == "old"


def test_where_they_touch_it_cannot_be_told() -> None:
    table = comparison_table(metrics(0.9, 0.6, 1.0), metrics(0.5, 0.4, 0.6), ("new", "old"))

    assert set(table["better"]) == {"can't be told"}


def test_detectors_of_the_same_name_get_columns_of_their_own() -> None:
    table = comparison_table(metrics(0.9, 0.6, 1.0), metrics(0.5, 0.4, 0.6), ("judge", "judge"))

    assert table.columns.is_unique
