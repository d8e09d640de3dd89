"""What a launch would do."""

import shlex
from pathlib import Path

from app.launch_plan import LaunchPlan, command, plan, preflight
from app.studio import Studio
from grice_core.data.load import load_pairs
from grice_core.recipes.load import load_recipe
from grice_core.settings import Settings
from grice_core.store.tables import DataSet, Detector
from tests.app.samples import write_pairs_file
from worker.queue import PipelineRequest


def request(**changes: object) -> PipelineRequest:
    usual: dict[str, object] = {
        "data": DataSet(name="pairs.json"),
        "eval": DataSet(name="my prompts.json"),
        "base": "gpt2",
        "detector": Detector(name="v2", card={"remarks": []}),
        "recipe": load_recipe("content-then-manner"),
    }
    return PipelineRequest(**(usual | changes))  # type: ignore[arg-type]


def planned(folder: Path, prompts: list[str]) -> LaunchPlan:
    table = load_pairs(write_pairs_file(folder / "pairs.json")).table
    return plan(request(), table, prompts)


def states(studio: Studio, asked: PipelineRequest, found: LaunchPlan) -> dict[str, str]:
    return {check.sentence: check.state for check in preflight(studio, asked, found, workers=[])}


def test_answers_are_written_by_the_baseline_and_after_each_stage(tmp_path: Path) -> None:
    found = planned(tmp_path, [f"new {i}" for i in range(7)])
    assert found.num_answers == 3 * 7
    assert found.num_steps == sum(stage.num_steps for stage in found.stages)


def test_few_prompts_and_leaks_are_said(tmp_path: Path) -> None:
    leaking = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table.prompts[0]
    found = planned(tmp_path, [leaking, "new"])
    told = states(Studio.open(Settings(home=tmp_path)), request(), found)
    assert (
        told["1 evaluation prompt: expect a verdict of “too few to tell”; 100 are usual."] == "warn"
    )
    said = "1 evaluation row with a prompt that is trained on, left out of the evaluation."
    assert told[said] == "pass"


def test_what_stands_in_the_way_stops(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])
    told = states(studio, request(detector="", base="./missing"), found)
    stopped = [sentence for sentence, state in told.items() if state == "stop"]
    assert stopped[0] == "Choose a detector."
    assert "./missing" in stopped[1]


def test_a_remark_on_the_detector_is_a_warning(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])
    weak = Detector(name="v2", card={"remarks": ["Weak on manner."]})
    assert states(studio, request(detector=weak), found)["Detector: Weak on manner."] == "warn"


def test_the_command_says_only_what_is_unusual() -> None:
    asked = request(seed=3)
    words = shlex.split(command(asked, ("pairs.json", "my prompts.json"), "r.yaml", "out"))
    assert words[:6] == ["grice", "pipeline", "--data", "pairs.json", "--eval", "my prompts.json"]
    assert words[-4:] == ["--seed", "3", "--out", "out"]
    assert "--precision" not in words
