import json
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = [judged("baseline", ["q", "m"]), judged("stage1", ["-", "m"])]
    return evaluated_folder(tmp_path / "out", *models)


def test_compare_prints_the_verdict_first(folder: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(folder)], catch_exceptions=False)

    assert result.exit_code == 0
    assert "Verdict: too few prompts to tell. Cooperative 0.0 % → 50.0 %" in result.output
    assert "With 2 prompts, fewer than 100" in result.output


def test_compare_prints_one_json_document(folder: Path) -> None:
    arguments = ["compare", str(folder), str(folder), "--json"]

    first, second = (CliRunner().invoke(app, arguments, catch_exceptions=False) for _ in range(2))

    document = json.loads(first.output)
    assert len(document["pipelines"]) == 2
    assert {change["change"] for change in document["between"]} == {0.0}
    assert first.output == second.output


def test_gold_labels_stand_beside_the_detectors_word(tmp_path: Path) -> None:
    models = [judged("baseline", ["q"] * 40), judged("stage1", ["-"] * 40)]
    folder = evaluated_folder(tmp_path / "out", *models)
    labels = tmp_path / "labels.csv"
    rows = [f"prompt {i},{model.name} {i},1,0,0,0\n" for model in models for i in range(20)]
    labels.write_text("prompt,response,quantity,quality,relation,manner\n" + "".join(rows))
    arguments = ["compare", str(folder), "--gold", str(labels)]

    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).output
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)

    assert "by the detector; with 40 judgements:" in printed
    quantity = document["gold"][0]["rates"]["stage1"]["quantity"]
    assert quantity["by_detector"] == 0
    assert quantity["interval"]["low"] > 0.8

    at_every_look = CliRunner().invoke(app, [*arguments, "--at-every-look", "--json"]).output
    wider = json.loads(at_every_look)["gold"][0]["rates"]["stage1"]["quantity"]
    assert wider["interval"]["low"] < quantity["interval"]["low"]


def test_a_detectors_errors_on_labels_correct_its_rates(folder: Path) -> None:
    arguments = [
        "compare",
        str(folder),
        "--detector",
        str(resources.files("grice_core.demo") / "assets" / "detector"),
    ]

    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).output
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)

    assert "Corrected by the detector's errors on held-out labels" in printed
    (by_model,) = document["by_detector_errors"]
    assert set(by_model) == {"baseline", "stage1"}
    assert set(by_model["baseline"]) == set(map(str, MAXIMS))


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no finished evaluation"):
        CliRunner().invoke(app, ["compare", str(tmp_path)], catch_exceptions=False)
