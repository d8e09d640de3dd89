"""The built-in recipes hold the default numbers."""

import pytest

from grice_core.data.rules import AnyAbsRule, KeptByRule, SumRule
from grice_core.maxims import Maxim
from grice_core.recipes.load import builtin_names, load_recipe


def test_the_default_comes_first() -> None:
    assert builtin_names() == (
        "content-then-manner",
        "content-then-manner-own",
        "demo",
        "demo-own",
        "joint",
    )


@pytest.mark.parametrize("name", ["content-then-manner", "demo"])
def test_a_recipe_with_rounds_begins_as_the_one_without(name: str) -> None:
    plain, own = load_recipe(name), load_recipe(f"{name}-own")
    assert own.stages[: len(plain.stages)] == plain.stages
    assert own.evaluation == plain.evaluation
    assert all(stage.is_from_model for stage in own.stages[len(plain.stages) :])


def test_stage_1_is_the_guides_content_stage() -> None:
    content = load_recipe("content-then-manner").stages[0]
    both = (Maxim.QUANTITY, Maxim.RELATION)

    assert content.filter == (
        AnyAbsRule(name="no strong signal", maxims=both, above=0.3),
        SumRule(name="sum too small", maxims=both, above=0.1),
    )
    assert content.weights.as_array().tolist() == [1, 0, 1, 0]
    assert (content.learning_rate, content.beta) == (5e-5, 0.05)
    assert content.file_stem == "stage1_content"


def test_stage_2_is_the_guides_manner_stage() -> None:
    manner = load_recipe("content-then-manner").stages[1]

    assert manner.filter == (
        SumRule(name="manner", maxims=(Maxim.MANNER,), above=0.2),
        SumRule(name="relation", maxims=(Maxim.RELATION,), above=-0.1),
        SumRule(name="quantity", maxims=(Maxim.QUANTITY,), above=-0.1),
    )
    assert manner.weights.as_array().tolist() == [0, 0, 0, 1]
    assert (manner.learning_rate, manner.beta) == (3e-5, 0.03)
    assert manner.file_stem == "stage2_manner"


@pytest.mark.parametrize("name", ["content-then-manner", "joint"])
def test_every_stage_has_the_guides_training_settings(name: str) -> None:
    for stage in load_recipe(name).stages:
        assert (stage.lora.r, stage.lora.alpha, stage.lora.dropout) == (16, 32, 0.05)
        assert stage.lora.target_modules == "auto"
        assert (stage.epochs, stage.batch_size, stage.gradient_accumulation_steps) == (2, 1, 4)
        assert stage.pairs_per_step == 4
        assert stage.max_length == 512
        assert (stage.weight_decay, stage.max_grad_norm) == (0.01, 1.0)
        assert (stage.warmup_steps, stage.max_warmup_share) == (100, 0.1)
        assert stage.min_margin == 0.01


def test_the_evaluation_is_the_guides() -> None:
    evaluation = load_recipe("content-then-manner").evaluation

    assert evaluation.num_prompts == "auto"  # the guide's 100 leave too many verdicts undecided
    assert (evaluation.temperature, evaluation.top_p) == (0.7, 0.9)
    assert evaluation.max_new_tokens == 80
    assert (evaluation.min_cooperative, evaluation.target_cooperative) == (0.60, 0.70)
    assert evaluation.max_regression == 0.05


def test_joint_is_one_stage_on_the_same_pairs_with_all_maxims() -> None:
    joint, default = load_recipe("joint"), load_recipe("content-then-manner")

    (stage,) = joint.stages
    assert stage.weights.as_array().tolist() == [1, 1, 1, 1]
    filters = tuple(stage.filter for stage in default.stages)
    assert stage.filter == (KeptByRule(name="kept by no stage", filters=filters),)
    assert joint.control_stages == default.stages


def test_the_demo_differs_from_the_guide_only_in_its_steps_and_length() -> None:
    demo, guide = load_recipe("demo"), load_recipe("content-then-manner")

    both = {"beta": 2.0, "gradient_accumulation_steps": 16, "eval_steps": 10, "max_length": 256}
    own = ({"learning_rate": 4e-4, "epochs": 1}, {"learning_rate": 1e-4})
    expected = [
        stage.model_copy(update=both | steps)
        for stage, steps in zip(guide.stages, own, strict=True)
    ]
    assert demo.stages == tuple(expected)
