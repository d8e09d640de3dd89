"""A second judge's word on an evaluation: written, read back, part of the verdict."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grice_core.evaluation.exports import comparison_csv
from grice_core.evaluation.overview import overview, overview_document
from grice_core.evaluation.report import html_report
from grice_core.evaluation.second_judge import SecondOpinion, verdict_of
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.verdict import State
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged

NUM = 100


@pytest.fixture(scope="module")
def models():
    """Stage 1 mends everything, to the training judge."""
    return judged("baseline", ["qtrm"] * 50 + ["-"] * 50), judged("stage1", ["-"] * NUM)


@pytest.fixture(scope="module")
def folder(models, tmp_path_factory):
    second = SecondOpinion(
        "trained on <other> labels",
        "f" * 64,
        tuple(
            replace(model, scores=np.where(places, 0.4, 0.1), thresholds=np.full(4, 0.3))
            for model, places in zip(
                models,
                (models[0].violated, models[0].violated & [True, True, True, False]),
                strict=True,
            )
        ),
        ("It knows little.",),
    )
    return evaluated_folder(tmp_path_factory.mktemp("out") / "run", *models, second=second)


def test_its_scores_of_all_answers_are_kept_and_read_back(folder):
    stored = read_evaluation(folder)
    assert stored.second is not None
    before, after = stored.second.models
    assert before.rates["manner"] == 0.5
    assert after.rates == {
        "quantity": 0.5,
        "quality": 0.5,
        "relation": 0.5,
        "manner": 0,
        "cooperative": 0.5,
    }
    assert stored.second.warnings == ("It knows little.",)
    assert stored.models[1].rates["cooperative"] == 1
    line = json.loads((folder / "generations.jsonl").read_text().splitlines()[0])
    assert line["second_scores"]["manner"] == 0.4
    assert line["second_violations"] == ["quantity", "quality", "relation", "manner"]


def test_the_verdict_needs_both_and_says_by_which_it_is_met(folder):
    stored = read_evaluation(folder)
    verdict = verdict_of(stored)
    assert verdict.state is State.NOT_MET
    assert verdict.sentence.startswith(
        "Verdict: met by the training judge, not met by the second judge. Cooperative 50.0 % → 100.0 %"
    )
    assert "by the second judge 50.0 % → 50.0 %" in verdict.sentence
    assert [criterion.name for criterion in verdict.criteria][3:] == [
        "second_judge_improves",
        "second_judge_cooperative",
        "second_judge_no_regression",
    ]
    assert json.loads((folder / "evaluation.json").read_text())["verdict"]["state"] == "not met"


def test_comparison_report_and_table_show_both_judges_and_the_alarms(folder):
    found = overview([read_evaluation(folder)])
    view = found.pipelines[0]
    assert {each.measure for each in view.alarms} == {
        "quantity",
        "quality",
        "relation",
        "cooperative",
    }
    assert [row.measure for row in view.second_rows] == [row.measure for row in view.rows]
    document = overview_document(found)["pipelines"][0]["second_judge"]
    assert document["states"] == {"training judge": "met", "second judge": "not met"}
    assert {each["fooled"] for each in document["agreement"]} == {"no", "only"}
    page = html_report(view, "run", ["#000", "#111"])
    assert "stage1 improved quality by the training judge only" in page
    assert "trained on &lt;other&gt; labels" in page
    assert "! Second judge: It knows little." in page
    judges = [line.split(",")[-1] for line in comparison_csv(view).splitlines()[1:]]
    assert judges == ["training judge"] * 10 + ["second judge"] * 10


def test_without_one_nothing_is_said_of_it(models, tmp_path):
    folder = evaluated_folder(tmp_path / "run", *models)
    assert "second" not in (folder / "generations.jsonl").read_text()
    assert "second" not in (folder / "evaluation.json").read_text()
    view = overview([read_evaluation(folder)]).pipelines[0]
    assert not view.judges
    assert not view.second_rows
