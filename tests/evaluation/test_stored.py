import json
from pathlib import Path

import numpy as np
import pytest

from grice_core.errors import DataError
from grice_core.evaluation.stored import read_evaluation, rejudged
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prompts = ["Who’s there?\u2028", "Line one\nline two"]
    models = [judged(name, ["q", "-"], prompts) for name in ("baseline", "stage1")]
    return evaluated_folder(tmp_path / "out", *models)


def test_what_was_written_is_read_again(folder: Path) -> None:
    stored = read_evaluation(folder)

    assert [model.name for model in stored.models] == ["baseline", "stage1"]
    assert stored.models[0].prompts == ["Who’s there?\u2028", "Line one\nline two"]
    assert stored.models[1].responses == ["stage1 0", "stage1 1"]
    assert np.array_equal(stored.models[0].scores[0], [0.9, 0.1, 0.1, 0.1])
    assert (stored.recipe, stored.seed) == ("content-then-manner", 3)
    assert stored.config.min_cooperative == 0.6


@pytest.mark.parametrize("name", ["generations.jsonl", "evaluation.json", "run.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(DataError, match=rf"out holds no finished evaluation \({name}"):
        read_evaluation(folder)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"run\.json is not JSON"):
        read_evaluation(folder)

    (folder / "run.json").write_text("[]")
    with pytest.raises(DataError, match=r"run\.json is not a JSON object"):
        read_evaluation(folder)


def test_generations_of_other_models_are_refused(folder: Path) -> None:
    path = folder / "generations.jsonl"
    path.write_text(path.read_text().replace('"stage1"', '"stage7"'))

    with pytest.raises(DataError, match="tell of different models"):
        read_evaluation(folder)


def test_a_missing_score_is_refused(folder: Path) -> None:
    lines = (folder / "generations.jsonl").read_text().split("\n")
    first = json.loads(lines[0])
    del first["scores"]["manner"]
    (folder / "generations.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]))

    with pytest.raises(
        DataError, match=r"out holds results that can't be read \(manner is missing"
    ):
        read_evaluation(folder)


def test_other_thresholds_judge_the_same_scores_and_say_so(tmp_path: Path) -> None:
    models = (judged("baseline", ["q", "-"]), judged("stage1", ["-", "-"]))
    stored = read_evaluation(evaluated_folder(tmp_path / "out", *models))

    strict = rejudged(stored, np.array([0.05, 0.5, 0.5, 0.5]))  # judged by 0.1 and 0.9

    assert [model.rates["quantity"] for model in strict.models] == [1.0, 1.0]
    assert [model.rates["quality"] for model in strict.models] == [0.0, 0.0]
    assert "quantity 0.05 instead of 0.5" in strict.document["warnings"][-1]
    assert stored.document["warnings"] == []
    assert (stored.is_rejudged, strict.is_rejudged) == (False, True)
    assert rejudged(stored, np.full(4, 0.5)) is stored
