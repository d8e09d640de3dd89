"""No stage is trained twice: what an earlier pipeline learned from the same is taken over, bit by bit."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grice_core.dpo.checkpointing.history import read_history
from grice_core.kept import Kept
from grice_core.pipeline.kept_stages import KeptStage
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.preparing import prepare_stage
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.reopening import Places
from grice_core.pipeline.run import PipelineResult, run_pipeline
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from grice_core.verify.claims import Claims
from grice_core.verify.steps import check_steps
from tests.pipeline.world import QUICK, config

STAGES = ("stage1", "stage2")


class Listener:
    """What a pipeline reports of its steps, and what it says."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.said: list[str] = []
        self.reporter = Reporter(say=self.said.append, on_step=self.steps.append)

    @property
    def taken_over(self) -> list[str]:
        return [line.split(":")[0] for line in self.said if "is taken over" in line]


def store(folder: Path) -> Kept:
    return KeptWork(ObjectStore(f"file://{folder}"), 10 << 20)


def changed(*overrides: str) -> dict[str, Any]:
    short = (*QUICK, "stage1.num_steps=4", "stage2.num_steps=4")
    return {"recipe": load_recipe("content-then-manner", [*short, *overrides])}


def learned(result: PipelineResult) -> dict[str, bytes]:
    """Each file that says what was learned, and how; a state on the way there is there only if it was gone."""
    paths = [result.output.stage(name).path for name in STAGES]
    return {
        str(path.relative_to(result.output.path)): path.read_bytes()
        for folder in paths
        for path in sorted(folder.rglob("*"))
        if path.suffix == ".safetensors" and "anchor" not in path.parts
    }


def timeless(result: PipelineResult, stage: str) -> list[dict[str, float]]:
    history = read_history(result.output.stage(stage).history)
    return [{n: v for n, v in record.items() if n != "tokens_per_s"} for record in history]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def first(world: Path, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineResult:
    """A pipeline that has kept its stages."""
    out = tmp_path_factory.mktemp("first") / "out"
    return run_pipeline(config(world, out, **changed()), kept=store(kept))


def test_a_second_pipeline_of_the_same_learns_the_same_without_training(
    first: PipelineResult, world: Path, kept: Path, tmp_path: Path
) -> None:
    listener = Listener()
    again = run_pipeline(
        config(world, tmp_path / "out", **changed()), listener.reporter, kept=store(kept)
    )
    assert listener.taken_over == list(STAGES)
    assert learned(again) == learned(first)
    for name in STAGES:
        history = again.output.stage(name).history
        assert history.read_bytes() == first.output.stage(name).history.read_bytes()
    # Those who watch see every step, as in the training itself.
    assert [int(step["step"]) for step in listener.steps] == [
        int(record["step"]) for name in STAGES for record in timeless(first, name)
    ]
    before, after = (result.output.read_run() or {} for result in (first, again))
    for one, other in zip(before["stages"], after["stages"], strict=True):
        assert (one["taken_over"], other["taken_over"]) == (False, True)
        for name in ("before", "after", "num_steps", "troubles", "reference", "preflight"):
            assert one[name] == other[name]
    # No state on the way was kept there, so a look takes the first step again, from the seed.
    again_taken = check_steps(Claims(again.output.path, Places(), "cpu", random.Random(0)))
    assert again_taken.looked_at == "taken again: stage1 step 1, stage2 step 1"
    assert again_taken.problems == ()


def test_a_recipe_that_differs_in_stage_2_trains_stage_2_alone(
    first: PipelineResult, world: Path, kept: Path, tmp_path: Path
) -> None:
    other, listener = changed("stage2.beta=0.3"), Listener()
    helped = run_pipeline(
        config(world, tmp_path / "helped", **other), listener.reporter, kept=store(kept)
    )
    alone = run_pipeline(config(world, tmp_path / "alone", **other))
    assert listener.taken_over == ["stage1"]
    assert learned(helped) == learned(alone) != learned(first)
    for name in STAGES:
        assert timeless(helped, name) == timeless(alone, name)


@pytest.fixture
def found(first: PipelineResult, world: Path, kept: Path, tmp_path: Path) -> Callable[..., bool]:
    """Whether a stage would be taken over, of a pipeline with such options."""

    def look(stage: str = "stage1", folder: Path = kept, **options: Any) -> bool:
        out = tmp_path / "looked"
        shutil.copytree(first.output.path, out)
        parts = PipelineParts(config(world, out, **(changed() | options)), kept=store(folder))
        number = STAGES.index(stage)
        models = StageModels(parts.config.base, parts.device, parts.output, parts.base_dtype)
        job = parts.stage_job(number, parts.inputs)
        base = models.after(STAGES[number - 1] if number else None)
        training = KeptStage.of(prepare_stage(base, job, Reporter()), job).find()
        return training is not None

    return look


def test_it_is_found_by_what_it_depends_on(found: Callable[..., bool]) -> None:
    assert found()


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 1},
        {"precision": "fp32"},
        changed("stage1.beta=0.3"),
        changed("stage1.learning_rate=2e-3"),
        changed("stage1.loss_type=ipo"),
        changed("stage1.num_steps=3"),
        changed("stage1.weights.relation=0.5"),
        changed("holdout_share=0.3"),
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_changes_what_is_learned_is_trained_anew(
    options: dict[str, Any], found: Callable[..., bool]
) -> None:
    assert not found(**options)


def test_what_can_not_be_read_is_trained_anew(
    found: Callable[..., bool], kept: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(kept, damaged)
    for path in damaged.rglob("*.z"):
        path.write_bytes(path.read_bytes()[:-20])
    assert not found(folder=damaged)
