"""A search from end to end, on tiny models."""

import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from grice_core.errors import InputError, InterruptedRunError, OutputError
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.kept import Kept
from grice_core.maxims import MAXIMS
from grice_core.progress import Reporter
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from grice_core.sweep.report import render_sweep
from grice_core.sweep.result import SweepResult, sweep_document
from grice_core.sweep.run import SweepConfig, run_sweep
from grice_core.sweep.search import AS_IT_IS, Search
from grice_core.sweep.space import parse_varied
from tests.pipeline.world import QUICK, config, write_world

SHORT = (*QUICK, "stage1.num_steps=3", "stage2.num_steps=3", "evaluation.num_prompts=6")
VARIED = tuple(map(parse_varied, ["stage2.beta=0.05..0.5", "stage2.loss_type=dpo,ipo"]))


def recipe_of(overrides: Sequence[str]) -> Recipe:
    return load_recipe("content-then-manner", [*SHORT, *overrides])


def asked(world: Path, out: Path, **changes: Any) -> SweepConfig:
    pipeline = config(world, out, recipe=recipe_of([]))
    search = Search(pipeline.recipe, VARIED, num_trials=2, num_seeds=1)
    return SweepConfig(pipeline, replace(search, **changes))


def rows(out: Path, place: str) -> list[list[str]]:
    """The prompts of each evaluation there."""
    found = []
    for path in sorted((out / place).glob("*/generations.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        found.append(sorted({line["prompt"] for line in lines}))
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return KeptWork(ObjectStore(tmp_path_factory.mktemp("kept").as_uri()), 10 << 20)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "out"


@pytest.fixture(scope="module")
def result(world: Path, kept: Kept, out: Path) -> SweepResult:
    return run_sweep(asked(world, out), kept=kept)


def test_every_trial_is_an_ordinary_pipeline_that_differs_in_what_is_varied(
    result: SweepResult, out: Path
) -> None:
    assert [each.name for each in result.candidates] == [AS_IT_IS, "000", "001"]
    for each in result.candidates:
        record = json.loads((out / "trials" / f"{each.name}-0" / "run.json").read_text())
        assert record["state"] == "finished"
        assert record["recipe"] == recipe_of(each.overrides).model_dump(mode="json")
        assert [text.partition("=")[0] for text in each.overrides] == (
            [] if each.name == AS_IT_IS else ["stage2.beta", "stage2.loss_type"]
        )
    overrides = {each.overrides for each in result.candidates}
    assert len(overrides) == 3


@pytest.mark.usefixtures("result")
def test_stages_and_models_that_are_the_same_are_trained_and_asked_once(out: Path) -> None:
    for name in ("000-0", "001-0"):
        record = json.loads((out / "trials" / name / "run.json").read_text())
        assert [stage["taken_over"] for stage in record["stages"]] == [True, False]


def test_the_winner_is_confirmed_on_prompts_that_the_search_did_not_see(
    result: SweepResult, out: Path
) -> None:
    searched, confirmed = (rows(out, place) for place in ("trials", "confirmed"))
    assert len({tuple(prompts) for prompts in searched}) == 1
    assert len({tuple(prompts) for prompts in confirmed}) == 1
    assert not set(searched[0]) & set(confirmed[0])
    assert result.num_prompts == (len(searched[0]), len(confirmed[0])) == (3, 3)


def test_no_recipe_beats_one_of_the_front(result: SweepResult) -> None:
    alone = {
        each.name: {maxim: each.rates[maxim]["rate"] for maxim in MAXIMS}
        for each in result.candidates
        if each.rates is not None
    }
    assert len(alone) == 3
    for name in result.front:
        for other in alone.values():
            beats = all(other[maxim] <= alone[name][maxim] for maxim in MAXIMS)
            assert not beats or all(other[maxim] == alone[name][maxim] for maxim in MAXIMS)


def test_figures_and_recipe_are_written(result: SweepResult, out: Path) -> None:
    document = json.loads((out / "sweep.json").read_text())
    assert document["prompts"] == {"searched": 3, "confirmed": 3}
    winner = document["winner"]
    assert set(winner["confirmed"]) == {*MAXIMS, COOPERATIVE}
    assert winner["verdict"].startswith("Verdict: ")
    assert load_recipe(out / "winner.yaml") == result.winner.recipe
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(render_sweep(sweep_document(result)))
    told = console.export_text()
    assert "believe the second" in told
    assert "stage2.loss_type=" in told


def test_calling_again_takes_over_what_is_there(
    result: SweepResult, world: Path, kept: Kept, out: Path
) -> None:
    said: list[str] = []
    again = run_sweep(asked(world, out), Reporter(say=said.append), kept)
    assert [each.overrides for each in again.candidates] == [
        each.overrides for each in result.candidates
    ]
    assert again.winner.name == result.winner.name
    assert again.winner.final.responses == result.winner.final.responses


@pytest.mark.usefixtures("result")
def test_no_further_trial_begins_once_the_time_is_over(
    world: Path, kept: Kept, out: Path, tmp_path: Path
) -> None:
    shutil.copytree(out, tmp_path / "out")
    said: list[str] = []
    more = asked(world, tmp_path / "out", num_trials=3, minutes=0.0)
    found = run_sweep(more, Reporter(say=said.append), kept)
    assert [each.name for each in found.candidates] == [AS_IT_IS, "000", "001"]
    assert any("2 of 3 trials were made" in line for line in said)


@pytest.mark.stack
def test_finalists_are_repeated_with_other_seeds(world: Path, kept: Kept, tmp_path: Path) -> None:
    found = run_sweep(asked(world, tmp_path / "out", num_seeds=2), kept=kept)
    assert found.winner.num_seeds == 2
    assert found.winner.final.samples_per_prompt == 2
    seeds = sorted(path.name for path in (tmp_path / "out" / "confirmed").iterdir())
    names = dict.fromkeys([AS_IT_IS, found.winner.name])
    assert seeds == sorted(f"{name}-{seed}" for name in names for seed in (0, 1))


@pytest.mark.stack
def test_a_search_that_was_stopped_continues(world: Path, kept: Kept, tmp_path: Path) -> None:
    """It is stopped in the middle of a trial, which is then completed with the values that it had."""
    varied = (parse_varied("stage2.beta=0.2..0.3"),)
    small = asked(world, tmp_path / "out", varied=varied, num_trials=1)

    def should_stop() -> bool:
        return (tmp_path / "out" / "trials" / "000-0").exists()

    with pytest.raises(InterruptedRunError):
        run_sweep(small, Reporter(should_stop=should_stop), kept)
    begun = json.loads((tmp_path / "out" / "trials" / "000-0" / "run.json").read_text())
    found = run_sweep(small, kept=kept)
    assert [each.name for each in found.candidates] == [AS_IT_IS, "000"]
    tried = recipe_of(found.candidates[1].overrides)
    assert tried.model_dump(mode="json") == begun["recipe"]


@pytest.mark.stack
def test_a_trial_that_fails_is_noted_and_the_others_are_made(
    world: Path, kept: Kept, tmp_path: Path
) -> None:
    """With a threshold that keeps no pair there is nothing to train on."""
    varied = (parse_varied("stage2.filter.manner.above=0.95,0.99"),)
    config_ = asked(world, tmp_path / "out", varied=varied, num_trials=1)
    found = run_sweep(config_, kept=kept)
    assert "fewer than one optimizer step" in found.candidates[1].failure
    assert found.winner.name == AS_IT_IS
    assert len(found.confirmed) == 1
    assert found.changes == {}


@pytest.mark.usefixtures("result")
def test_another_search_is_not_mixed_into_a_folder(world: Path, out: Path, tmp_path: Path) -> None:
    other = asked(world, out, varied=VARIED[:1])
    with pytest.raises(InputError, match="another search"):
        run_sweep(other)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="is not empty"):
        run_sweep(asked(world, tmp_path))
