from collections.abc import Sequence
from io import StringIO

from rich.console import Console

from grice_core.evaluation.comparison import compared, corrected
from grice_core.evaluation.table import (
    ComparisonRow,
    change_style,
    comparison_rows,
    render_comparison,
)
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged

MODELS = [
    judged("baseline", ["q"] * 30 + ["-"] * 70),
    judged("stage1", ["q"] * 10 + ["-"] * 90),
    judged("stage2", ["-"] * 80 + ["m"] * 20),
]


def rows_of(models: Sequence[EvaluatedModel]) -> dict[str, ComparisonRow]:
    return {row.measure: row for row in comparison_rows(models, corrected(compared(models)))}


def shown(width: int) -> list[str]:
    console = Console(width=width, record=True, file=StringIO())
    console.print(render_comparison(MODELS, judge(MODELS, EvaluationConfig())))
    return console.export_text().splitlines()


def test_there_is_one_row_per_maxim_and_one_for_cooperative() -> None:
    rows = rows_of(MODELS)

    assert list(rows) == ["quantity", "quality", "relation", "manner", "cooperative"]
    assert [rate.count for rate in rows["quantity"].rates] == [30, 10, 0]
    assert rows["quantity"].change.change.before == "baseline"
    assert rows["quantity"].change.change.after == "stage2"


def test_fewer_violations_are_green_and_fewer_cooperative_responses_red() -> None:
    better, worse = rows_of(MODELS), rows_of([MODELS[1], MODELS[0]])

    assert {measure: change_style(row.change) for measure, row in better.items()} == {
        "quantity": "green",
        "quality": "",
        "relation": "",
        "manner": "red",
        "cooperative": "",
    }
    assert change_style(worse["quantity"].change) == "red"
    assert change_style(worse["cooperative"].change) == "red"


def test_the_terminal_shows_the_verdict_first_and_every_number() -> None:
    lines = shown(140)

    assert lines[0].startswith("Verdict: not met. Cooperative 70.0 % → 80.0 %")
    quantity = next(line for line in lines if line.startswith("quantity"))
    assert quantity.split()[1:5] == ["30.0", "%", "[21.9,", "39.6]"]
    assert quantity.split()[-3:] == ["[−39.2,", "−20.6]", "***"]
    assert any(line.startswith("✗ Not every maxim") for line in lines)


def test_a_narrow_terminal_gets_intervals_below_their_numbers() -> None:
    lines = shown(80)

    at = next(i for i, line in enumerate(lines) if line.startswith("quantity"))
    assert lines[at].split() == ["quantity", "30.0", "%", "10.0", "%", "0.0", "%", "−30.0", "***"]
    assert lines[at + 1].split()[:2] == ["[21.9,", "39.6]"]
