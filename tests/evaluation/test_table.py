from io import StringIO

from rich.console import Console

from grice_core.evaluation.table import comparison_rows, render_comparison
from grice_core.evaluation.verdict import judge
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged

MODELS = [
    judged("baseline", ["q"] * 30 + ["-"] * 70),
    judged("stage1", ["q"] * 10 + ["-"] * 90),
    judged("stage2", ["-"] * 80 + ["m"] * 20),
]


def test_there_is_one_row_per_maxim_and_one_for_cooperative() -> None:
    rows = {row.measure: row for row in comparison_rows(MODELS)}

    assert list(rows) == ["quantity", "quality", "relation", "manner", "cooperative"]
    assert [rate.count for rate in rows["quantity"].rates] == [30, 10, 0]
    assert rows["quantity"].change.before == "baseline"
    assert rows["quantity"].change.after == "stage2"


def test_fewer_violations_are_better_and_fewer_cooperative_responses_worse() -> None:
    rows = {row.measure: row for row in comparison_rows([MODELS[1], MODELS[0]])}
    marks = {row.measure: row.mark for row in comparison_rows(MODELS)}

    assert marks == {
        "quantity": "better",
        "quality": "",
        "relation": "",
        "manner": "worse",
        "cooperative": "",
    }
    assert (rows["quantity"].mark, rows["cooperative"].mark) == ("worse", "worse")


def test_the_terminal_shows_the_verdict_first_and_every_number() -> None:
    console = Console(width=140, record=True, file=StringIO())
    console.print(render_comparison(MODELS, judge(MODELS, EvaluationConfig())))
    lines = console.export_text().splitlines()

    assert lines[0].startswith("Verdict: not met. Cooperative 70.0 % → 80.0 %")
    quantity = next(line for line in lines if line.startswith("quantity"))
    assert quantity.split()[1:5] == ["30.0", "%", "[21.9,", "39.6]"]
    assert quantity.rstrip().endswith("better")
    assert any(line.startswith("✗ Not every maxim") for line in lines)
