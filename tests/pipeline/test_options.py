"""One description of each option: what is made from it agrees with it."""

from dataclasses import make_dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.options import (
    About,
    PipelineOptions,
    identifying,
    option,
    options_of,
    parse_count,
    pipeline_options,
)
from worker.requests import PipelineRequest
from worker.spec import PipelineSpec

INPUTS = ("--data", "d.json", "--eval", "e.json", "--base", "gpt2", "--detector", "org/judge")


@pytest.fixture
def asked():
    """Gives what a command is asked for by these arguments."""
    found: list[AskedPipeline] = []
    app = typer.Typer()

    @app.command()
    @takes_pipeline()
    def command(asked: AskedPipeline):
        found.append(asked)

    def ask(*arguments):
        result = CliRunner().invoke(app, [*INPUTS, *arguments])
        assert result.exit_code == 0, result.output
        return found[-1]

    return ask


@pytest.mark.parametrize("kind", [PipelineConfig, PipelineRequest, PipelineSpec])
def test_each_layer_has_every_option(kind):
    assert {each.name for each in pipeline_options()} <= set(kind.__dataclass_fields__)
    assert issubclass(kind, PipelineOptions)


def test_a_command_gives_every_option_its_default(asked):
    assert asked().options == PipelineOptions().options()
    assert asked().inputs["base"] == "gpt2"


def test_a_command_reads_every_option_by_its_flag(asked):
    given = {
        "seed": 7,
        "precision": "fp32",
        "base_dtype": "bf16",
        "gradient_checkpointing": "on",
        "leakage": "keep",
        "leakage_similarity": 0.8,
        "samples_per_prompt": 3,
        "eval_batch": 8,
        "report_to": "tensorboard",
        "sample_every": 50,
        "num_processes": 2,
        "run_name": "as in the paper",
    }
    assert set(given) == {each.name for each in pipeline_options()}
    words = [str(word) for name, value in given.items() for word in (option(name).flag, value)]
    assert asked(*words).options == given


def test_the_number_of_evaluation_prompts_is_a_change_to_the_recipe(asked):
    found = asked("--recipe", "joint", "--set", "evaluation.max_new_tokens=5", "--num-eval", "4")
    evaluation = found.chosen_recipe().evaluation
    assert (found.recipe, evaluation.max_new_tokens, evaluation.num_prompts) == ("joint", 5, 4)


def test_a_number_of_processes_or_answers_is_a_count_or_auto():
    assert [parse_count(text) for text in ("auto", "1", "12")] == ["auto", 1, 12]
    for text in ("0", "-1", "two", ""):
        with pytest.raises(ValueError, match="whole number from 1, or auto"):
            parse_count(text)


def test_a_name_that_is_too_long_is_refused(asked):
    assert asked("--run-name", "a" * 100).options["run_name"] == "a" * 100
    with pytest.raises(AssertionError, match="give at most 100 characters, not 101"):
        asked("--run-name", "a" * 101)


def test_choices_and_limits_come_from_the_type():
    assert option("precision").choices == ("auto", "fp32", "bf16")
    assert (option("seed").at_least, option("seed").at_most) == (0, 2**31 - 1)
    assert (option("samples_per_prompt").at_least, option("samples_per_prompt").at_most) == (
        1,
        None,
    )


def test_a_spec_from_before_an_option_existed_asks_for_the_same():
    spec = {"base": "gpt2", "seed": 3}
    later = spec | {"samples_per_prompt": 1, "num_processes": "auto", "report_to": "none"}
    assert identifying(spec) == identifying(later) == spec
    assert identifying(later | {"num_processes": 1}) == spec
    assert identifying(later | {"samples_per_prompt": 2}) == spec | {"samples_per_prompt": 2}


@pytest.mark.parametrize("type_", [bool, float, list[str]])
def test_an_option_that_the_form_could_not_show_is_refused_when_it_is_added(type_):
    def added(about):
        return make_dataclass(
            "Wider",
            [("new", Annotated[type_, about], None)],
            bases=(PipelineOptions,),
            kw_only=True,
            frozen=True,
        )

    with pytest.raises(TypeError, match="new: the form shows choices, whole numbers and texts"):
        options_of(added(About("New", "It is.")))
    offered = options_of(added(About("New", "It is.", choices=("a", "b"))))
    assert offered[-1].choices == ("a", "b")
