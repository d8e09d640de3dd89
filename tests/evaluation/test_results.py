import json
from pathlib import Path

import numpy as np

from grice_core.evaluation.results import (
    Evaluation,
    evaluation_document,
    guide_results,
    write_evaluation,
)
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig
from tests.evaluation.judged import judged


def evaluation(*models: EvaluatedModel) -> Evaluation:
    config = EvaluationConfig()
    prompts = tuple(models[0].prompts)
    plain, no_tools = (None,) * len(prompts), ((),) * len(prompts)
    return Evaluation(
        models=models,
        selection=PromptSelection(prompts, plain, no_tools, "drop-eval", 9, 5, 3, 1),
        sampling=Sampling.of(config, seed=3),
        config=config,
        warnings=("the detector was not calibrated",),
    )


def test_results_have_the_guides_layout() -> None:
    models = [
        judged("baseline", ["q", "qm", "-", "-"]),
        judged("stage1", ["-", "m", "-", "-"]),
        judged("stage2", ["-", "-", "-", "-"]),
    ]

    assert guide_results(models) == {
        "baseline": {"quantity": 50.0, "quality": 0.0, "relation": 0.0, "manner": 25.0},
        "stage1": {"quantity": 0.0, "quality": 0.0, "relation": 0.0, "manner": 25.0},
        "stage2_final": {"quantity": 0.0, "quality": 0.0, "relation": 0.0, "manner": 0.0},
        "cooperative": {"baseline": 50.0, "stage1": 75.0, "stage2_final": 100.0},
    }


def test_any_number_of_stages_ends_in_final() -> None:
    def names(count: int) -> list[str]:
        models = [judged(f"model {i}", ["-"]) for i in range(count)]
        return list(guide_results(models)["cooperative"])

    assert names(2) == ["baseline", "stage1_final"]
    assert names(4) == ["baseline", "stage1", "stage2", "stage3_final"]


def test_percents_are_free_of_rounding_dust() -> None:
    model = judged("baseline", ["q"] * 14 + ["-"] * 186)

    assert guide_results([model, model])["baseline"]["quantity"] == 7.0


def test_an_evaluation_leaves_three_files(tmp_path: Path) -> None:
    write_evaluation(tmp_path, evaluation(judged("baseline", ["q"]), judged("stage1", ["-"])))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evaluation.json",
        "generations.jsonl",
        "multistage_results.json",
    ]


def test_every_response_is_kept_with_its_scores(tmp_path: Path) -> None:
    prompts = ["Who’s there?"]
    models = judged("baseline", ["qm"], prompts), judged("s1", ["-"], prompts)
    write_evaluation(tmp_path, evaluation(*models))

    first, second = (
        json.loads(line) for line in (tmp_path / "generations.jsonl").read_text().splitlines()
    )
    assert first == {
        "model": "baseline",
        "prompt": "Who’s there?",
        "response": "baseline 0",
        "scores": {"quantity": 0.9, "quality": 0.1, "relation": 0.1, "manner": 0.9},
        "violations": ["quantity", "manner"],
        "cooperative": False,
    }
    assert (second["model"], second["violations"], second["cooperative"]) == ("s1", [], True)


def test_the_document_tells_rates_changes_prompts_and_warnings() -> None:
    models = [judged(name, ["q", "-"]) for name in ("baseline", "stage1", "stage2")]

    document = evaluation_document(evaluation(*models))

    assert document["verdict"]["state"] == "undecided"
    assert document["warnings"] == ["the detector was not calibrated"]
    assert document["prompts"]["leaking_rows"] == 3
    assert document["sampling"]["seed"] == 3
    assert document["models"][1]["name"] == "stage1"
    assert document["models"][1]["rates"]["quantity"]["count"] == 1
    pairs = {(change["before"], change["after"]) for change in document["changes"]}
    assert pairs == {("baseline", "stage1"), ("baseline", "stage2"), ("stage1", "stage2")}
    assert len(document["changes"]) == 3 * 5


def test_equal_evaluations_give_equal_bytes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    words = generator.choice(["-", "q", "rm", "t"], size=(2, 60)).tolist()
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_evaluation(
            tmp_path / name, evaluation(judged("baseline", words[0]), judged("stage1", words[1]))
        )
        texts.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])

    assert texts[0] == texts[1]
