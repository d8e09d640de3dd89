"""A stage that keeps its best step: what is said of it, and that it is what is published."""

import json
import random
import shutil
from pathlib import Path

import pytest

from grice_core.cli.training import show_result
from grice_core.pipeline.reopening import Places
from grice_core.pipeline.run import PipelineResult, run_pipeline
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from grice_core.verify.claims import Claims
from grice_core.verify.files import check_inputs
from grice_core.verify.numbers import check_history
from grice_core.verify.steps import check_steps
from tests.pipeline.world import QUICK, config

CHOOSING = load_recipe(
    "content-then-manner",
    [
        *QUICK,
        "holdout_share=0.5",
        "stage1.num_steps=2",
        "stage2.num_steps=4",
        "stage2.eval_steps=1",
        "stage2.keep=best",
        # So large that some steps make it worse.
        "stage2.learning_rate=0.3",
        "stage2.beta=1",
        "evaluation.num_prompts=2",
        "evaluation.max_new_tokens=3",
    ],
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptWork:
    return KeptWork(ObjectStore(f"file://{tmp_path_factory.mktemp('kept')}"), 10 << 20)


@pytest.fixture(scope="module")
def choosing(
    world: Path, kept: KeptWork, tmp_path_factory: pytest.TempPathFactory
) -> PipelineResult:
    out = tmp_path_factory.mktemp("choosing") / "out"
    return run_pipeline(config(world, out, recipe=CHOOSING, precision="fp32"), kept=kept)


def claims(folder: Path) -> Claims:
    return Claims(folder, Places(), "cpu", random.Random(0))


def test_the_record_tells_which_step_was_kept_among_which(choosing: PipelineResult) -> None:
    first, second = choosing.record["stages"]
    assert "checkpoint" not in first
    told = second["checkpoint"]
    assert told["step"] < told["last_step"] == second["num_steps"] == 4
    assert [each["step"] for each in told["candidates"]] == [1, 2, 3, 4]
    (best,) = [each for each in told["candidates"] if each["step"] == told["step"]]
    assert best["on_front"]
    assert best["score"] == max(each["score"] for each in told["candidates"])
    assert told["said"][0].startswith(f"step {told['step']} of 4 is kept, the best of 4 looks")


def test_what_is_published_is_that_step(choosing: PipelineResult) -> None:
    told = claims(choosing.output.path)
    # How far the training pairs moved is derived again from the published adapter.
    for check in (check_history(told), check_inputs(told), check_steps(told)):
        assert check.problems == ()


def test_another_step_than_follows_from_the_looks_is_caught(
    choosing: PipelineResult, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(choosing.output.path, folder)
    record = json.loads((folder / "run.json").read_text())
    record["stages"][1]["checkpoint"]["step"] = 4
    (folder / "run.json").write_text(json.dumps(record))
    problems = check_history(claims(folder)).problems
    assert any("follows as the one to keep, not 4 as run.json says" in each for each in problems)


def test_card_and_command_say_so(
    choosing: PipelineResult, capsys: pytest.CaptureFixture[str]
) -> None:
    (sentence,) = choosing.record["stages"][1]["checkpoint"]["said"]
    cards = [
        (choosing.output.stage(name).final_model / "README.md").read_text()
        for name in ("stage1", "stage2")
    ]
    assert "Which step was kept" not in cards[0]
    assert f"## Which step was kept\n\n- stage2: {sentence}.\n" in cards[1]
    show_result(choosing)
    assert f"stage2: {sentence}." in capsys.readouterr().out


def test_a_stage_that_is_taken_over_kept_the_same_step(
    choosing: PipelineResult, world: Path, kept: KeptWork, tmp_path: Path
) -> None:
    said: list[str] = []
    again = run_pipeline(
        config(world, tmp_path / "out", recipe=CHOOSING, precision="fp32"),
        Reporter(say=said.append),
        kept=kept,
    )
    before, after = (each.record["stages"][1] for each in (choosing, again))
    assert after["taken_over"]
    assert after["checkpoint"] == before["checkpoint"]
    assert f"stage2: {before['checkpoint']['said'][0]}" in said
    adapters = [
        (each.output.stage("stage2").final_model / "adapter_model.safetensors").read_bytes()
        for each in (choosing, again)
    ]
    assert adapters[0] == adapters[1]
