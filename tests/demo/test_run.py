"""The demo from end to end with the models that are shipped, and few steps."""

import json
from pathlib import Path

import pytest

from grice_core.demo.project import demo_models, write_demo_data
from grice_core.demo.run import ORACLE_FILE, DemoConfig, DemoResult, run_demo
from grice_core.demo.truth import truth_document
from grice_core.dpo.health import Trouble
from grice_core.errors import InterruptedRunError
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.output import open_output
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe

SHORT = ("stage1.num_steps=3", "stage2.num_steps=2", "evaluation.num_prompts=100")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture(scope="module")
def result(out: Path) -> DemoResult:
    return run_demo(DemoConfig(out, seed=1, recipe=load_recipe("demo", SHORT), num_pairs=250))


def test_both_judges_speak_of_the_baseline_and_of_both_stages(result: DemoResult):
    assert [one.model for one in result.judged] == ["baseline", "stage1", "stage2"]
    evaluated = result.pipeline.evaluation.models
    assert [one.detector for one in result.judged] == [model.rates for model in evaluated]


def test_the_detector_can_be_believed_on_answers_about_new_things(result: DemoResult):
    for one in result.judged:
        assert min(one.agreement.values()) > 0.85


def test_the_baseline_has_something_to_learn_about_every_maxim(result: DemoResult):
    baseline = result.judged[0].oracle
    assert baseline["cooperative"] < 0.45
    assert min(baseline[maxim] for maxim in ("quantity", "quality", "relation", "manner")) > 0.05


def test_the_word_of_the_rules_is_kept_beside_the_results(out: Path, result: DemoResult):
    assert json.loads((out / ORACLE_FILE).read_text()) == truth_document(result.judged)


def test_a_stage_that_wrecks_the_model_is_called_so(tmp_path: Path):
    """A learning rate far too high at the default small beta: the model loses its words."""
    wild = ("learning_rate=5e-4", "beta=0.05", "gradient_accumulation_steps=4", "num_steps=150")
    data = write_demo_data(tmp_path / "data", seed=1, num_pairs=500)
    config = PipelineConfig(
        data=data.pairs,
        eval=data.prompts,
        base=str(demo_models().base),
        detector=str(demo_models().detector),
        recipe=load_recipe("demo", [f"stage1.{setting}" for setting in wild]),
        out=tmp_path / "out",
    )
    open_output(config.out, overwrite=False, stages=("stage1", "stage2"))
    found: dict[str, str] = {}
    reporter = Reporter(on_trouble=found.__setitem__, should_stop=lambda: bool(found))
    parts = PipelineParts(config, reporter)
    parts.prepare()
    with pytest.raises(InterruptedRunError):  # as soon as something is found
        parts.train("stage1")
    assert "the model forgets how to write them" in found[Trouble.CHOSEN_COLLAPSE]


@pytest.mark.stack
def test_a_round_that_overdoes_it_is_left_out(tmp_path: Path):
    """At a learning rate far too high the model loses its words; what is published is the model before."""
    wild = ("learning_rate=1e-2", "beta=0.05", "num_steps=12", "samples.num_prompts=150")
    overrides = (*SHORT, *(f"round.{setting}" for setting in wild))
    config = DemoConfig(tmp_path, recipe=load_recipe("demo-own", overrides), num_pairs=600)
    result = run_demo(config)
    first, second = result.pipeline.record["rounds"]
    assert first["in_effect"] is False
    assert first["ended_by"]["rule"] in {"unfinished", "gain"}
    assert first["check"]["gain"]["after"] < first["check"]["gain"]["before"]
    assert "ended the rounds" in second["said"][0]
    assert [one.model for one in result.judged] == ["baseline", "stage1", "stage2"]
