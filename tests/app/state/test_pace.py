"""How long a pipeline takes, from what ran here before."""

from pathlib import Path

import pytest

from app.state.pace import of_earlier_runs
from app.state.studio import Studio
from grice_core.recipes.load import load_recipe
from grice_core.settings import Settings
from grice_core.store import claims, submission, transitions
from grice_core.store.states import RunKind
from grice_core.store.submission import RunDraft
from grice_core.store.tables import JsonObject

BASE = "gpt2-medium"
TRAINED: JsonObject = {"seconds": 80.0, "peak_bytes": 1 << 30}


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio.open(Settings(home=tmp_path))


def run(studio: Studio, key: str, kind: RunKind, result: JsonObject) -> None:
    """A run of ten steps that came to this."""
    recipe = load_recipe("content-then-manner").model_dump(mode="json")
    spec = {"base": BASE, "recipe": recipe, "seed": 0}
    stage = "stage1" if kind is RunKind.TRAIN else None
    run_id = submission.submit_run(studio.database, RunDraft(key, kind, spec, stage=stage))
    claim = transitions.claim(studio.database, run_id, "host:1")
    assert claim is not None
    claims.report_steps(studio.database, claim, 10, 10)
    transitions.finish(studio.database, claim, result)


def test_the_last_pipeline_with_the_same_base_tells(studio: Studio) -> None:
    assert of_earlier_runs(studio, BASE) is None
    run(studio, "a", RunKind.TRAIN, TRAINED)
    run(studio, "b", RunKind.EVALUATE, {})
    found = of_earlier_runs(studio, BASE)
    assert found is not None
    assert found.per_pair_s == 80.0 / (10 * 4)
    assert of_earlier_runs(studio, "another") is None


def test_work_that_an_earlier_run_did_tells_nothing_of_the_pace(studio: Studio) -> None:
    run(studio, "a", RunKind.TRAIN, TRAINED)
    run(studio, "b", RunKind.EVALUATE, {"num_taken_over": 0})
    before = of_earlier_runs(studio, BASE)
    run(studio, "c", RunKind.TRAIN, TRAINED | {"seconds": 0.1, "taken_over": True})
    run(studio, "d", RunKind.EVALUATE, {"num_taken_over": 300})
    assert of_earlier_runs(studio, BASE) == before


def test_what_a_measurement_says_of_rounds_is_split_into_steps_and_answers(studio: Studio) -> None:
    stages = [
        {"name": "stage1", "num_steps": 10, "seconds": 20.0},
        {"name": "stage2", "num_steps": 10, "seconds": 20.0 + 0.5 * 100, "num_answers": 100},
    ]
    measured = {"stages": stages, "evaluation_s": 30.0, "num_answers": 60, "loading_s": 3.0}
    run(studio, "a", RunKind.ESTIMATE, measured | {"peak_bytes": 1 << 30})
    found = of_earlier_runs(studio, BASE)
    assert found is not None
    assert (found.per_answer_s, found.per_pair_s) == (0.5, 40.0 / (20 * 4))
