"""Recipes are read from names, files and text, and all their problems are told at once."""

from pathlib import Path

import pytest

from grice_core.errors import RecipeError
from grice_core.recipes.config import BetaRamp, Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import builtin_names, load_recipe, parse_recipe, read_stored
from grice_core.store.json_text import digest_of

MINIMAL = """\
name: mine
stages:
  - name: stage1
    weights: {manner: 1}
    learning_rate: 5e-5
    beta: 0.1
"""


def problems_of(text: str, *overrides: str) -> list[str]:
    """The lines of the error that a recipe's text gives."""
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "mine.yaml", overrides)
    first, *others = str(caught.value).splitlines()
    if not others:
        return [first.removeprefix("mine.yaml: ")]
    assert first == f"mine.yaml has {len(others)} problems:"
    return [line.strip() for line in others]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_file_is_read_and_defaults_filled_in(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, "mine.yaml", MINIMAL))

    assert recipe.name == "mine"
    assert recipe.stages[0].learning_rate == 5e-5
    assert recipe.stages[0].lora.r == 16
    assert recipe.stages[0].file_stem == "stage1"


@pytest.mark.parametrize(
    "number", ["5e-5", "5E-5", "+5e-5", "5.e-5", "5.0e-05", "0.00005", ".00005"]
)
def test_numbers_are_numbers_however_they_are_written(number: str) -> None:
    recipe = parse_recipe(MINIMAL.replace("5e-5", number), "mine.yaml")
    assert recipe.stages[0].learning_rate == 5e-5


@pytest.mark.parametrize("text", ["e5", "5e", "v1e5", "2024-01e"])
def test_text_that_only_resembles_a_number_stays_text(text: str) -> None:
    assert parse_recipe(MINIMAL + f"description: {text}\n", "mine.yaml").description == text


@pytest.mark.parametrize("name", builtin_names())
def test_what_show_prints_is_read_back_the_same(name: str) -> None:
    overrides = ["stage1.lora.r=8", "stage1.beta={start: 0.1, end: 0.05}", "holdout_share=0.2"]
    recipe = load_recipe(name, overrides)

    assert parse_recipe(to_yaml(recipe), "again.yaml") == recipe


@pytest.mark.parametrize("name", builtin_names())
def test_a_recipe_as_json_needs_nothing_else_to_be_read(name: str) -> None:
    recipe = load_recipe(name)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_all_problems_are_told_at_once() -> None:
    text = """\
name: My Recipe
holdout: 0.1
stages:
  - name: stage1
    title: a/b
    weights: {manner: 0}
    learning_rate: -1
    beta: much
    epochs: 1.5
    lora: {rank: 8, dropout: 1}
    filter:
      - {kind: sum, name: first, maxims: [maner], above: .inf}
      - {kind: product, name: second}
      - {kind: any_abs, name: third, maxims: []}
  - stage2
"""
    assert problems_of(text) == [
        "name: must match ^[a-z][a-z0-9_-]*$ (got 'My Recipe')",
        "stage1.title: must match ^[\\w -]*$ (got 'a/b')",
        "stage1.filter.first.maxims.0: must be 'quantity', 'quality', 'relation' or 'manner' (got 'maner')",
        "stage1.filter.first.above: must be a finite number (got inf)",
        "stage1.filter.second: must be of kind 'any_abs', 'sum', 'kept_by_control', not 'product'",
        "stage1.filter.third.maxims: needs at least 1 (got [])",
        "stage1.filter.third.above: is missing",
        "stage1.weights: at least one maxim needs a weight above 0",
        "stage1.lora.dropout: must be less than 1 (got 1)",
        "stage1.lora.rank: is not a setting; there are: alpha, dropout, r, target_modules",
        "stage1.learning_rate: must be greater than 0 (got -1)",
        "stage1.beta: must be a number (got 'much')",
        "stage1.epochs: must be a whole number (got 1.5)",
        "stages.1: must be a mapping (got 'stage2')",
        "holdout: is not a setting; did you mean 'holdout_share'?",
    ]


def test_a_long_list_of_problems_is_cut() -> None:
    text = MINIMAL + "".join(f"extra{n}: 1\n" for n in range(30))
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "mine.yaml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "mine.yaml has 30 problems:"
    assert lines[-1] == "  … and 10 more"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stages: [{name: a}, {name: a}]", "two stages are named 'a'"),
        (
            "stages: [{name: a_b}, {name: a, title: b}]",
            "the files of two stages would be named 'a_b'",
        ),
    ],
)
def test_stages_can_be_told_apart(text: str, problem: str) -> None:
    rest = "weights: {manner: 1}, learning_rate: 1, beta: 1}"
    assert problem in problems_of("name: mine\n" + text.replace("}", f", {rest}"))[0]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("same", "same"), "two rules of the filter are named 'same'"),
        (("unscored", "b"), "a rule can't be named 'unscored', a reason of its own"),
        (("leaks into evaluation", "b"), "a rule can't be named 'leaks into evaluation', a reason"),
    ],
)
def test_reasons_can_be_told_apart(names: tuple[str, str], problem: str) -> None:
    rules = ", ".join(f"{{kind: sum, name: {n}, maxims: [manner], above: 0}}" for n in names)
    assert problem in problems_of(MINIMAL + f"    filter: [{rules}]\n")[0]


def test_a_ramp_of_beta_is_checked_field_by_field() -> None:
    recipe = parse_recipe(MINIMAL, "mine.yaml", ["stage1.beta.start=0.1", "stage1.beta.end=0.05"])
    assert recipe.stages[0].beta == BetaRamp(start=0.1, end=0.05)

    assert problems_of(MINIMAL.replace("0.1", "{start: 0}")) == [
        "stage1.beta.start: must be greater than 0 (got 0)",
        "stage1.beta.end: is missing",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "mine.yaml is empty; `grice recipe show` prints a recipe to start from."),
        ("# nothing", "mine.yaml is empty;"),
        ("- a\n- b", "mine.yaml holds ['a', 'b'], not a mapping with `name` and `stages`;"),
        ("name: [", "mine.yaml is not valid YAML: expected the node content, but found"),
        (MINIMAL + "name: b", "mine.yaml is not valid YAML: the key 'name' stands there twice (line 7, column 1)."),
        ("name: a\n---\nname: b", "mine.yaml is not valid YAML: but found another document (line 2,"),
        ("name: \0", "mine.yaml is not valid YAML: unacceptable character #x0000"),
        ("name: 2024-13-45", "mine.yaml is not valid YAML: month must be in 1..12."),
        ("name: !!python/name:os.system", "mine.yaml is not valid YAML: could not determine a constructor"),
        ("- " * 10_000, "mine.yaml is nested too deeply."),
        ("#" * 200_000, "mine.yaml is too long for a recipe: is it a data file?"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_recipe_gets_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "mine.yaml")
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_yaml_that_contains_itself_is_refused() -> None:
    assert problems_of("&a {name: mine, stages: [*a]}") != []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("joit", "There is no recipe or file 'joit'; did you mean 'joint'?"),
        (
            "x.yaml",
            "There is no recipe or file 'x.yaml'; there are: content-then-manner, content-then-manner-own, demo, demo-own, joint",
        ),
        ("\0", r"'\x00' can't be read: embedded null byte."),
    ],
)
def test_a_recipe_that_is_not_there_is_named(name: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(name)
    assert str(caught.value) == sentence


def test_a_folder_and_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(RecipeError, match=r"can't be read: Is a directory\."):
        load_recipe(tmp_path)
    with pytest.raises(RecipeError, match=r"bytes\.yaml is not UTF-8 text"):
        load_recipe(tmp_path / "bytes.yaml")


def test_how_models_are_asked_is_a_setting_of_the_recipe() -> None:
    assert load_recipe("joint").prompt_format == "auto"
    assert "prompt_format: auto" in to_yaml(load_recipe("joint"))
    plain = load_recipe("joint", ["prompt_format=plain"])
    assert plain.prompt_format == "plain"
    assert parse_recipe(to_yaml(plain), "again.yaml") == plain
    (problem,) = problems_of(to_yaml(plain), "prompt_format=chatty")
    assert "prompt_format: must be 'auto', 'plain' or 'chat' (got 'chatty')" in problem


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            "loss_type: hinge",
            "stage1.loss_type: must be one of 'dpo', 'ipo', 'robust', 'sigmoid_norm', not 'hinge'",
        ),
        (
            "label_smoothing: 0.1",
            "stage1: label_smoothing is a setting of loss_type robust, not of dpo: leave it out, or "
            "choose that loss_type",
        ),
        (
            "loss_type: robust",
            "stage1: label_smoothing is missing, which loss_type robust needs",
        ),
        (
            "loss_type: robust\n    label_smoothing: 0.5",
            "stage1.label_smoothing: must be less than 0.5 (got 0.5)",
        ),
        ("sft_weight: -1", "stage1.sft_weight: must be at least 0 (got -1)"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused_in_one_sentence(settings: str, problem: str) -> None:
    assert problems_of(f"{MINIMAL}    {settings}\n") == [problem]


def test_which_step_is_kept_is_a_setting_of_a_stage() -> None:
    usual = parse_recipe(MINIMAL, "mine.yaml")
    assert usual.stages[0].keep == "last"
    assert not {"keep", "stop_when_retention_lost"} & usual.model_dump()["stages"][0].keys()
    assert "keep: last" in to_yaml(usual)
    changes = ["stage1.keep=best", "stage1.stop_when_retention_lost=true"]
    best = parse_recipe(MINIMAL, "mine.yaml", changes)
    assert best.stages[0].stop_when_retention_lost
    assert Recipe.model_validate(best.model_dump(mode="json")) == best
    assert parse_recipe(to_yaml(best), "again.yaml") == best
    (problem,) = problems_of(MINIMAL, "stage1.stop_when_retention_lost=true")
    assert "stop_when_retention_lost needs `keep: best`, else the step that lost it" in problem
    (problem,) = problems_of(MINIMAL, "stage1.keep=best", "holdout_share=0")
    assert "stage1 has `keep: best`, which chooses by held-out pairs: set holdout_share" in problem


def test_a_stage_tells_its_loss_and_shows_it_though_json_leaves_out_the_usual_one() -> None:
    usual = parse_recipe(MINIMAL, "mine.yaml")
    assert usual.stages[0].loss == "dpo"
    assert "loss_type" not in usual.model_dump(mode="json")["stages"][0]
    assert "loss_type: dpo" in to_yaml(usual)
    changes = ["stage1.loss_type=robust", "stage1.label_smoothing=0.1", "stage1.sft_weight=0.2"]
    robust = parse_recipe(MINIMAL, "mine.yaml", changes)
    assert robust.stages[0].loss == "robust (label_smoothing 0.1) + 0.2 · sft"
    assert Recipe.model_validate(robust.model_dump(mode="json")) == robust
    assert parse_recipe(to_yaml(robust), "again.yaml") == robust


def test_former_names_of_settings_are_read_and_kept_in_json_for_its_digest() -> None:
    former = MINIMAL + "    accumulation: 16\n    eval_every: 10\n"
    current = MINIMAL + "    gradient_accumulation_steps: 16\n    eval_steps: 10\n"
    recipe = parse_recipe(former, "mine.yaml")
    assert recipe == parse_recipe(current, "mine.yaml")
    assert (recipe.stages[0].pairs_per_step, recipe.stages[0].eval_steps) == (16, 10)
    stored = recipe.model_dump(mode="json")
    assert {"accumulation": 16, "eval_every": 10}.items() <= stored["stages"][0].items()
    assert Recipe.model_validate(stored) == recipe
    assert "gradient_accumulation_steps: 16" in to_yaml(recipe)
    assert "accumulation: 16" not in to_yaml(recipe).replace("gradient_accumulation_steps", "")
    (problem,) = problems_of(former.replace("16", "0"))
    assert problem == "stage1.accumulation: must be at least 1 (got 0)"


@pytest.mark.parametrize("text", [MINIMAL + "    accumulation: 16\n", MINIMAL])
@pytest.mark.parametrize("name", ["accumulation", "gradient_accumulation_steps"])
def test_an_override_may_use_either_name_whichever_the_recipe_uses(text: str, name: str) -> None:
    recipe = parse_recipe(text, "mine.yaml", [f"stage1.{name}=8"])
    assert recipe.stages[0].gradient_accumulation_steps == 8


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("content-then-manner", "60318aaef793705b54be1446d6f7f75f2297c7a6b237df5f1f30589163d39bd3"),
        ("joint", "6dd6a9bd4d646c13e236a2c34961022a0375d2f97aad7396a90aa5409e1e81f0"),
    ],
)
def test_a_recipe_that_says_nothing_new_is_what_it_was(name: str, digest: str) -> None:
    """So that a pipeline that was asked for before is found again."""
    # The number of prompts that these recipes meant at that time by naming none.
    recipe = load_recipe(name, ["evaluation.num_prompts=100"])
    assert digest_of(recipe.model_dump(mode="json")) == digest


def test_settings_of_several_processes_are_left_out_where_none_are_told() -> None:
    plain = parse_recipe(MINIMAL, "mine.yaml")
    assert "parallel" not in plain.model_dump(mode="json")
    told = parse_recipe(MINIMAL, "mine.yaml", ["parallel.ddp.bucket_cap_mb=50"])
    assert told.parallel is not None
    assert told.parallel.ddp.bucket_cap_mb == 50
    assert Recipe.model_validate(told.model_dump(mode="json")) == told


def test_a_base_can_be_held_in_parts_if_a_recipe_says_so() -> None:
    told = parse_recipe(MINIMAL, "mine.yaml", ["parallel.fsdp.tokens_per_pass=512"])
    assert told.parallel is not None
    assert told.parallel.fsdp is not None
    assert told.parallel.fsdp.reshard_after_forward
    (problem,) = problems_of(MINIMAL, "parallel.fsdp.sharding_strategy=FULL_SHARD")
    assert problem.startswith("parallel.fsdp.sharding_strategy")


def test_a_stored_recipe_that_this_version_cannot_read_says_why() -> None:
    body = load_recipe("joint").model_dump(mode="json") | {"from_the_future": 1}
    with pytest.raises(RecipeError, match="mine v2: from_the_future: is not a setting"):
        read_stored(body, "mine v2")
