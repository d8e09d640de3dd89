"""Nothing is computed twice: answers and scores of earlier evaluations, where the same would come out."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from grice_core.data.load import load_pairs
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs
from grice_core.detector.record import Temperatures
from grice_core.evaluation.results import Evaluation
from grice_core.kernels.precision import resolve_device
from grice_core.pipeline.judging import evaluate_stages
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.run import PipelineResult
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from tests.detector.tiny import write_heads
from tests.pipeline.world import QUICK, config, write_base, write_pairs

MODELS = ("baseline", "stage1", "stage2")


class Evaluated:
    """An evaluation of stages that are trained, what it judged, and what it said."""

    def __init__(self, world: Path, out: Path, kept: Path | None, **changes: Any) -> None:
        self.tasks: set[str] = set()
        self.said: list[str] = []
        reporter = Reporter(lambda task, *_: self.tasks.add(task), self.said.append)
        store = None if kept is None else KeptWork(ObjectStore(f"file://{kept}"), 1 << 20)
        asked = config(world, out, **({"precision": "fp32"} | changes))
        parts = PipelineParts(asked, reporter, store)
        job = parts.evaluation_job(parts.inputs.selection)
        stages = tuple(name for name in MODELS if (out / name).exists())
        models = StageModels(asked.base, parts.device, parts.output)
        self.evaluation = evaluate_stages(models, replace(job, stages=stages), reporter)

    def judged(self, model: str) -> bool:
        return f"{model}: scoring" in self.tasks

    def taken_over(self, model: str) -> str:
        """`5 of 6`, as it was said; empty if nothing was."""
        said = [
            line for line in self.said if line.startswith(f"{model}: ") and "gave before" in line
        ]
        return said[0].removeprefix(f"{model}: ").split(" answers")[0] if said else ""


def changed(*overrides: str) -> dict[str, Any]:
    return {"recipe": load_recipe("content-then-manner", [*QUICK, *overrides])}


def answers(evaluation: Evaluation) -> Mapping[str, Any]:
    return {
        model.name: (model.prompts, model.responses, model.scores.tolist(), model.cut)
        for model in evaluation.models
    }


@pytest.fixture
def out(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes folders in which only the baseline can be asked."""
    return lambda: tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def trained(
    finished: PipelineResult, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Path]:
    """Makes folders that hold both stages, and no answer."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("trained") / "out"
        shutil.copytree(finished.output.path, folder)
        return folder

    return copy


@pytest.fixture(scope="module")
def kept(
    world: Path, trained: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which an evaluation of baseline and both stages has kept its answers and scores."""
    folder = tmp_path_factory.mktemp("kept")
    first = Evaluated(world, trained(), folder)
    assert [first.taken_over(model) for model in MODELS] == [""] * 3
    assert all(first.judged(model) for model in MODELS)
    return folder


def test_the_same_models_are_asked_and_judged_once(
    kept: Path, world: Path, trained: Callable[[], Path]
) -> None:
    again = Evaluated(world, trained(), kept)
    assert [again.taken_over(model) for model in MODELS] == ["5 of 5"] * 3
    assert not any(again.judged(model) for model in MODELS)
    assert answers(again.evaluation) == answers(Evaluated(world, trained(), None).evaluation)


def test_a_stage_that_learned_something_else_is_asked_anew(
    kept: Path, world: Path, trained: Callable[[], Path]
) -> None:
    out = trained()
    path = out / "stage2" / "final_model" / "adapter_model.safetensors"
    adapter = load_file(path)
    next(tensor for name, tensor in adapter.items() if "lora_B" in name).add_(1e-3)
    save_file(adapter, path, {"format": "pt"})
    other = Evaluated(world, out, kept)
    assert [other.taken_over(model) for model in MODELS] == ["5 of 5", "5 of 5", ""]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        changed("evaluation.max_new_tokens=5"),
        changed("evaluation.temperature=0.9"),
        changed("evaluation.top_p=0.5"),
        {"samples_per_prompt": 2},
        {"precision": "bf16"},
    ],
    ids=["seed", "length", "temperature", "top_p", "samples", "bf16"],
)
def test_what_changes_an_answer_is_asked_anew(
    changes: dict[str, Any], kept: Path, world: Path, out: Callable[[], Path]
) -> None:
    assert not Evaluated(world, out(), kept, **changes).taken_over("baseline")


def test_other_weights_are_asked_anew(
    kept: Path, world: Path, out: Callable[[], Path], tmp_path: Path
) -> None:
    base = write_base(tmp_path / "base")
    assert Evaluated(world, out(), kept, base=str(base)).taken_over("baseline") == "5 of 5"
    weights = load_file(base / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1e-3
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    assert not Evaluated(world, out(), kept, base=str(base)).taken_over("baseline")


@pytest.mark.parametrize(("precision", "taken"), [("fp32", "5 of 6"), ("bf16", "")])
def test_more_prompts_ask_the_new_ones_where_a_batch_decides_nothing(
    precision: str, taken: str, world: Path, out: Callable[[], Path], tmp_path: Path
) -> None:
    folder, options = tmp_path / "kept", {"precision": precision}
    Evaluated(world, out(), folder, **options)
    more = options | changed("evaluation.num_prompts=6")
    other = Evaluated(world, out(), folder, **more)
    assert other.taken_over("baseline") == taken
    alone = Evaluated(world, out(), None, **more)
    assert answers(other.evaluation) == answers(alone.evaluation)
    again = Evaluated(world, out(), folder, **more)
    assert again.taken_over("baseline") == "6 of 6"


@pytest.mark.parametrize(("precision", "taken"), [("fp32", "5 of 5"), ("bf16", "")])
def test_other_batches_ask_anew_where_a_batch_decides_something(
    precision: str, taken: str, world: Path, out: Callable[[], Path], tmp_path: Path
) -> None:
    folder, options = tmp_path / "kept", {"precision": precision}
    Evaluated(world, out(), folder, **options, eval_batch=2)
    assert Evaluated(world, out(), folder, **options, eval_batch=2).taken_over("baseline")
    assert Evaluated(world, out(), folder, **options, eval_batch=3).taken_over("baseline") == taken


def test_another_detector_judges_the_answers_that_are_kept(
    kept: Path, world: Path, out: Callable[[], Path], tmp_path: Path
) -> None:
    write_heads(tmp_path / "detector", temperatures=Temperatures(quantity=3.0))
    other = Evaluated(world, out(), kept, detector=str(tmp_path / "detector"))
    assert other.taken_over("baseline") == "5 of 5"
    assert other.judged("baseline")


def test_pairs_are_scored_once(world: Path, tmp_path: Path) -> None:
    table = load_pairs(write_pairs(tmp_path / "unscored.json", scored=False)).table
    judge = load_detector(world / "detector", resolve_device("cpu"), "fp32")
    kept = KeptWork(ObjectStore(f"file://{tmp_path / 'kept'}"), 1 << 20)
    first, again = (
        score_pairs(judge, table, tmp_path / name, kept=kept) for name in ("first", "again")
    )
    assert (first.num_taken_over, again.num_taken_over) == (0, len(table))
    assert (again.table.chosen_scores == first.table.chosen_scores).all()
    assert (again.table.rejected_scores == first.table.rejected_scores).all()
    fewer = score_pairs(judge, table.take(range(40)), tmp_path / "fewer", kept=kept)
    assert fewer.num_taken_over == 0  # in bf16 their batches would be others
