"""The comparison as CSV and as LaTeX."""

import csv
import io
import re
from pathlib import Path

from grice_core.evaluation.comparison import compared, corrected
from grice_core.evaluation.exports import (
    CSV_COLUMNS,
    comparison_csv,
    comparison_latex,
    comparison_markdown,
)
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.true_rates import TrueFigure, TrueRates
from grice_core.evaluation.violations import MEASURES
from tests.evaluation.judged import judged
from tests.evaluation.pipelines import stricter_judge, three_models, view_of


def test_csv_has_a_line_per_measure_and_comparison(tmp_path: Path) -> None:
    text = comparison_csv(view_of(tmp_path / "out", *three_models()))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert tuple(lines[0]) == CSV_COLUMNS
    compared = [(line["model"], line["compared_with"]) for line in lines[:4]]
    assert compared == [
        ("baseline", ""),
        ("stage1", "baseline"),
        ("stage2", "baseline"),
        ("stage2", "stage1"),
    ]
    assert len(lines) == 5 * 4


def test_csv_keeps_fractions_and_counts(tmp_path: Path) -> None:
    text = comparison_csv(view_of(tmp_path / "out", *three_models()))
    stage1 = [
        line
        for line in csv.DictReader(io.StringIO(text))
        if (line["measure"], line["model"]) == ("cooperative", "stage1")
    ]
    (line,) = stage1
    assert (line["count"], line["num_responses"], float(line["rate"])) == ("4", "6", 4 / 6)
    assert float(line["change"]) == 2 / 6
    moved = [line[name] for name in ("fixed", "broken", "still_violated", "still_fine")]
    assert moved == ["2", "0", "2", "2"]


def test_latex_rows_have_as_many_cells_as_columns_and_braces_that_match(tmp_path: Path) -> None:
    text = comparison_latex(view_of(tmp_path / "out", *three_models()))
    specification = re.search(r"begin\{tabular\}\{(\w+)\}", text)
    assert specification is not None
    assert specification[1] == "lrrrr"
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 5
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {5}
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0


def test_latex_escapes_names_and_writes_minus_in_mathematics(tmp_path: Path) -> None:
    models = (judged("baseline", ["r", "r"]), judged("stage_1", ["-", "r"]))
    text = comparison_latex(view_of(tmp_path / "out", *models, recipe="my_recipe"))
    assert r"stage\_1" in text
    assert r"my\_recipe" in text
    assert "$-50.0$" in text
    assert "−" not in text


def test_latex_shows_the_second_judge_and_what_labels_correct_below_each_measure(
    tmp_path: Path,
) -> None:
    figure = TrueFigure(0.125, Interval(0.05, 0.2), 0.0, 1.0, 60)
    by_labels = TrueRates(
        num_judgements=60,
        rates={"stage2": dict.fromkeys(MEASURES, figure)},
        changes={},
        state=None,
    )
    view = view_of(tmp_path / "out", *three_models(), second=stricter_judge())
    text = comparison_latex(view, by_labels)
    rows = [line.strip() for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 3 * 5
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {5}
    first, second, corrected = rows[10:13]
    assert first.startswith("manner &")
    assert second.startswith(r"\quad second judge & 33.3")
    assert "& 100.0 " in second
    assert corrected.startswith(r"\quad corrected & -- & -- & 12.5 {\scriptsize [5.0, 20.0]} & --")
    assert r"second judge: rules \& ties" in text
    assert "by 60 gold labels" in text
    assert text.index(r"\midrule", text.index("corrected")) < text.index("cooperative &")


def test_markdown_rows_have_as_many_cells_as_columns_and_stars_that_are_no_emphasis() -> None:
    models = (judged("baseline", ["m"] * 40), judged("stage1", ["-"] * 38 + ["m"] * 2))
    text = comparison_markdown(models, corrected(compared(models)))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5
    assert {line.count("|") for line in table} == {5}
    assert "| −95.0 [−100.0, " in table[5]
    assert table[5].endswith(r"\*\*\* |")
    assert "*" not in text.replace(r"\*", "")
