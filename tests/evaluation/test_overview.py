from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from grice_core.errors import DataError
from grice_core.evaluation.overview import Overview, overview, overview_document
from grice_core.evaluation.rendering import render_overview
from grice_core.evaluation.stored import read_evaluation
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Overview:
    folder = tmp_path_factory.mktemp("pipelines")
    staged = [
        judged("baseline", ["qm"] * 40 + ["-"] * 60),
        judged("stage1", ["m"] * 40 + ["-"] * 60),
        judged("stage2", ["q"] * 10 + ["-"] * 90),
    ]
    joint = [staged[0], judged("stage1", ["qm"] * 20 + ["-"] * 80)]
    first = evaluated_folder(folder / "staged", *staged, warnings=("The detector is weak.",))
    second = evaluated_folder(folder / "joint", *joint, recipe="joint")
    return overview([read_evaluation(first), read_evaluation(second)])


def rendered(found: Overview, width: int) -> list[str]:
    console = Console(width=width, record=True, file=StringIO())
    console.print(render_overview(found))
    return console.export_text().splitlines()


def test_everything_shown_is_corrected_together(two: Overview) -> None:
    changes = [*two.pipelines[0].changes, *two.pipelines[1].changes, *two.between]

    assert len(changes) == 15 + 5 + 5
    assert {item.num_tests for item in changes} == {25}


def test_last_models_of_pipelines_are_compared(two: Overview) -> None:
    quantity = two.between[0].change

    assert quantity.before.endswith("staged: stage2")
    assert quantity.after.endswith("joint: stage1")
    assert quantity.change == pytest.approx(0.10)


def test_the_document_holds_what_the_pipeline_wrote_and_the_new_correction(two: Overview) -> None:
    first, second = overview_document(two)["pipelines"]

    assert (first["recipe"], second["recipe"]) == ("content-then-manner", "joint")
    assert first["warnings"] == ["The detector is weak."]
    assert {change["num_tests"] for change in first["changes"]} == {25}
    lost = next(item for item in first["retention"] if item["measure"] == "quantity")
    assert (lost["gained"], lost["kept"]) == (40, 30)
    assert first["taught"] == []


def test_the_terminal_tells_retention_warnings_and_the_difference(two: Overview) -> None:
    text = " ".join(rendered(two, 120))

    assert "quantity 30 of 40 (75.0 %)" in text
    assert "! The detector is weak." in text
    assert "Pipelines against each other" in text
    assert "stage1 had fixed nothing" not in text


@pytest.mark.parametrize("width", [80, 140])
def test_no_number_is_cut_off(two: Overview, width: int) -> None:
    for line in rendered(two, width):
        assert "…" not in line.replace(" … ", " ")
        if line.startswith("  cooperative"):
            assert len(line.split()) == 10


def test_pipelines_without_a_common_prompt_are_refused(tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b"):
        models = [judged(model, ["-"], [f"prompt of {name}"]) for model in ("baseline", "stage1")]
        folders.append(evaluated_folder(tmp_path / name, *models))

    with pytest.raises(DataError, match="no evaluation prompt in common"):
        overview([read_evaluation(folder) for folder in folders])
