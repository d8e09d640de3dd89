"""What a launch would do."""

import json
import shlex
from pathlib import Path

import pytest

from app.app_pages.launch.launch_command import Names, Origin, command, recipe_files
from app.app_pages.launch.near_duplicates import near_check
from app.app_pages.launch.preflight import no_prompts, preflight
from app.state.launch_plan import LaunchPlan, plan
from app.state.pace import Pace
from app.state.studio import Studio
from grice_core.data.load import Prompts, load_pairs
from grice_core.data.pairs import PairTable
from grice_core.data.split import holdout_mask
from grice_core.detector.metrics import CooperativeMetrics, Estimate, MaximMetrics, Metrics
from grice_core.evaluation.selection import (
    AskedPrompts,
    NearAsked,
    NoPromptsError,
    left_out_of_training,
    select_prompts,
)
from grice_core.maxims import MAXIMS
from grice_core.recipes.load import load_recipe
from grice_core.recipes.variants import joint_control, only_stages
from grice_core.settings import Settings
from grice_core.store.states import Device
from grice_core.store.tables import DataSet, Detector
from tests.app.samples import write_pairs_file
from worker.client import PipelineRequest, WorkerStatus
from worker.hardware import Hardware


def request(**changes: object) -> PipelineRequest:
    usual: dict[str, object] = {
        "data": DataSet(name="pairs.json"),
        "eval": DataSet(name="my prompts.json"),
        "base": "gpt2",
        "detector": Detector(name="v2", card={"remarks": []}),
        "recipe": load_recipe("content-then-manner"),
    }
    return PipelineRequest(**(usual | changes))  # type: ignore[arg-type]


def planned_on(asked: PipelineRequest, table: PairTable, prompts: Prompts) -> LaunchPlan:
    selection = select_prompts(
        prompts,
        table.prompts,
        policy=asked.leakage,
        num_prompts=asked.recipe.evaluation.num_prompts,
        seed=asked.seed,
        similarity=asked.leakage_similarity,
    )
    left_out = left_out_of_training(table.prompts, prompts.prompts, selection)
    return plan(asked, table, AskedPrompts(selection, left_out))


def planned(folder: Path, prompts: list[str]) -> LaunchPlan:
    table = load_pairs(write_pairs_file(folder / "pairs.json")).table
    return planned_on(request(), table, Prompts.of_texts(prompts))


def states(studio: Studio, asked: PipelineRequest, found: LaunchPlan) -> dict[str, str]:
    return {check.sentence: check.state for check in preflight(studio, asked, found, workers=[])}


def worker_on(device: Device, free_bytes: int | None) -> WorkerStatus:
    hardware = Hardware("a machine", memory_bytes=2**40, free_bytes=free_bytes)
    return WorkerStatus("host:1:abc", device, is_busy=False, hardware=hardware)


def test_answers_are_written_by_the_baseline_and_after_each_stage(tmp_path: Path) -> None:
    found = planned(tmp_path, [f"new {i}" for i in range(7)])
    assert found.num_answers == 3 * 7
    assert found.num_steps == sum(stage.num_steps for stage in found.stages)


def test_rounds_count_with_all_that_they_may_ask_and_train_on(tmp_path: Path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table
    changes = ("round.rounds=2", "round.samples.k=3", "round.samples.num_prompts=20")
    own = request(recipe=load_recipe("content-then-manner-own", changes))
    prompts = Prompts.of_texts([f"new {i}" for i in range(7)])
    without, found = planned_on(request(), table, prompts), planned_on(own, table, prompts)
    held_out = len(set(table.take(holdout_mask(table.prompts, 0.1, seed=0)).prompts))
    first, second = found.rounds
    assert (first.num_sampled, first.num_asked) == (3 * 20, 3 * held_out * 2)
    assert (second.num_sampled, second.num_asked) == (3 * 20, 3 * held_out)
    assert found.num_evaluated == 5 * 7
    assert found.num_answers == 5 * 7 + 2 * 60 + 3 * 3 * held_out
    assert found.num_steps == without.num_steps + 2 * 5  # of 4 pairs each
    assert found.num_pairs == without.num_pairs + 2 * 20


def test_few_prompts_and_leaks_are_said(tmp_path: Path) -> None:
    leaking = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table.prompts[0]
    found = planned(tmp_path, [leaking, "new"])
    told = states(Studio.open(Settings(home=tmp_path)), request(), found)
    few = next(sentence for sentence in told if sentence.startswith("With 1 prompt, a model that"))
    assert told[few] == "warn"
    assert "take 300, or more answers per prompt; the data can give 1 prompt" in few
    said = "1 evaluation row with a prompt that is trained on, left out of the evaluation."
    assert told[said] == "pass"


def test_pairs_that_wait_for_their_scores_refuse_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = [{"prompt": f"p{n}", "chosen": "one", "rejected": "two"} for n in range(40)]
    path.write_text(json.dumps(rows))
    found = planned_on(request(), load_pairs(path).table, Prompts.of_texts(["new"]))

    told = states(Studio.open(Settings(home=tmp_path)), request(), found)
    stages = {sentence: state for sentence, state in told.items() if sentence.startswith("Stage ")}
    assert list(stages.values()) == ["warn", "warn"]
    assert all("0 pairs to train on so far" in sentence for sentence in stages)
    assert not any("refused" in sentence for sentence in told)


def test_prompts_that_are_nearly_trained_on_are_warned_of() -> None:
    assert near_check(NearAsked(0), 100).state == "pass"
    warned = near_check(NearAsked(3, 0.93, "a", "b"), 100)
    assert warned.state == "warn"
    assert warned.sentence.startswith(
        "3 of 100 evaluation prompts nearly trained on (similarity 0.8 or"
    )


def test_what_the_pairs_teach_besides_is_said_before_the_launch(tmp_path: Path) -> None:
    scores = {
        "chosen_scores": per_maxim(0.1, quality=0.9),
        "rejected_scores": per_maxim(0.9, quality=0.1),
    }
    texts = {"chosen": "one", "rejected": "one"}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"prompt": f"p{n}", **texts, **scores} for n in range(40)]))
    found = planned_on(request(), load_pairs(path).table, Prompts.of_texts(["new"]))

    told = states(Studio.open(Settings(home=tmp_path)), request(), found)

    side_effect = (
        "Stage 1 may teach the opposite on quality, as a side effect: 40 of 40 pairs below −0.10, "
        "mean −0.80."
    )
    assert told[side_effect] == "warn"
    out_of_reach = (
        "The data's own chosen responses are 0.0 % cooperative, the rejected 0.0 % (chosen: quality "
        "violated 100.0 %): the success criterion of 60 % can't be expected to be met."
    )
    assert told[out_of_reach] == "warn"


def test_the_detectors_own_thresholds_say_what_is_cooperative(tmp_path: Path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table
    lenient = Detector(name="v2", card={"thresholds": per_maxim(0.999)})
    found = planned_on(request(detector=lenient), table, Prompts.of_texts(["new"]))
    assert found.reach is not None
    assert found.reach.chosen["cooperative"] == 1.0


def per_maxim(score: float, **others: float) -> dict[str, float]:
    return dict.fromkeys(map(str, MAXIMS), score) | others


def test_prompts_held_out_of_the_data_are_not_trained_on(tmp_path: Path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table
    same = DataSet(name="pairs.json")
    asked = request(data=same, eval=same, leakage="hold-out")

    found = planned_on(asked, table, Prompts.of_table(table))

    trained = {table.prompts[i] for stage in found.stages for i in stage.train_indices}
    assert len(found.selection.prompts) == 100
    assert not trained & set(found.selection.prompts)
    told = states(Studio.open(Settings(home=tmp_path)), asked, found)
    assert (
        told[f"{found.num_held_out} pairs with an evaluation prompt, held out of training."]
        == "pass"
    )
    words = command(asked, Names("pairs.json", "pairs.json", "judge"), (), "out")
    assert "--eval" not in words
    assert "--leakage" not in words


def test_without_a_plan_all_else_is_still_checked(tmp_path: Path) -> None:
    studio = Studio.open(Settings(home=tmp_path))
    checks = list(preflight(studio, request(detector=""), None, workers=[]))
    assert "Choose a detector." in [check.sentence for check in checks]


@pytest.mark.parametrize(
    ("num_rows", "held_out", "said"),
    [
        (
            0,
            False,
            "p.json has no usable prompt: choose another data set under Evaluation prompts.",
        ),
        (2, True, "bring more pairs, or choose another data set under Evaluation prompts."),
        (2, False, "or, under More options, leave those that are asked out of training."),
    ],
)
def test_no_prompts_are_told_in_the_pages_words(num_rows: int, held_out: bool, said: str) -> None:
    assert no_prompts(NoPromptsError(num_rows, held_out=held_out), "p.json").endswith(said)


def test_what_stands_in_the_way_stops(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])
    told = states(studio, request(detector="", base="./missing"), found)
    stopped = [sentence for sentence, state in told.items() if state == "stop"]
    assert stopped[0] == "Choose a detector."
    assert "./missing" in stopped[1]


def test_a_model_that_was_not_looked_at_does_not_pass(tmp_path: Path) -> None:
    studio = Studio.open(Settings(home=tmp_path))
    checks = preflight(studio, request(base="org/never-seen", detector="./gone"), None, workers=[])
    told = {check.sentence: check.state for check in checks}
    hub = "Base model org/never-seen: not tried; a first use downloads it from the hub."
    assert told[hub] == "warn"
    gone = "There is no detector in ./gone: give a hub id, or a folder that exists."
    assert told[gone] == "stop"


def test_a_remark_on_the_detector_is_a_warning(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])
    weak = Detector(name="v2", card={"remarks": ["Weak on manner."]})
    assert states(studio, request(detector=weak), found)["Detector: Weak on manner."] == "warn"


def test_how_well_the_detector_judges_is_told_as_far_as_it_was_measured(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])

    def told(*auroc_lows: float, cooperative: CooperativeMetrics | None = None) -> dict[str, str]:
        metrics = Metrics(
            num_texts=1000,
            data_sha256="a" * 64,
            macro_f1=0.9,
            maxims=dict(zip(MAXIMS, map(figures, auroc_lows), strict=True)),
            cooperative=cooperative,
        )
        card = {"remarks": [], "metrics": metrics.model_dump(mode="json")}
        return states(studio, request(detector=Detector(name="v2", card=card)), found)

    assert (
        told(0.9, 0.9, 0.9, 0.9)["Detector v2: macro-F1 0.900 on 1,000 labelled texts."] == "pass"
    )
    weak = "Detector v2 is a weak judge of quality: don't trust it there."
    assert told(0.9, 0.5, 0.9, 0.9)[weak] == "warn"
    harsh = CooperativeMetrics(support=50, called=3, others=950, missed=0)
    cautions = told(0.9, 0.9, 0.9, 0.9, cooperative=harsh)
    assert cautions[f"Detector v2 is too harsh: {harsh.caution}."] == "warn"
    unmeasured = states(studio, request(), found)
    assert unmeasured["How well detector v2 judges was never measured."] == "warn"


def figures(auroc_low: float) -> MaximMetrics:
    good = Estimate(value=0.95, low=0.9, high=1.0)
    auroc = Estimate(value=0.95, low=auroc_low, high=1.0)
    return MaximMetrics(support=9, f1=good, precision=good, recall=good, auroc=auroc, ece=good)


def test_the_command_says_only_what_is_unusual() -> None:
    asked = request(seed=3)
    words = shlex.split(
        command(asked, Names("pairs.json", "my prompts.json", "judge", "other"), (), "out")
    )
    assert words[:6] == ["grice", "pipeline", "--data", "pairs.json", "--eval", "my prompts.json"]
    assert words[-4:] == ["--seed", "3", "--out", "out"]
    assert "--precision" not in words
    assert words[words.index("--second-judge") + 1] == "other"


@pytest.mark.parametrize("overrides", [(), ("stage2.filter.manner.above=0.1", "stage1.epochs=1")])
def test_the_command_makes_the_very_recipe(overrides: tuple[str, ...]) -> None:
    own = load_recipe("content-then-manner")
    wanted = load_recipe("content-then-manner", overrides)
    words = Origin(own, "content-then-manner", overrides).words(wanted)
    assert words is not None
    assert words[:2] == ["--recipe", "content-then-manner"]
    assert load_recipe(words[1], words[3::2]) == wanted


def test_a_control_goes_by_its_name_and_some_stages_by_their_file() -> None:
    own = load_recipe("content-then-manner")
    origin = Origin(own, "content-then-manner", ())
    assert origin.words(joint_control(own)) == ["--recipe", "joint"]
    assert origin.words(only_stages(own, ["stage2"])) is None


def test_an_evaluation_alone_trains_nothing(tmp_path: Path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json")).table
    found = planned_on(request(trained_by=3), table, Prompts.of_texts(["new", "newer"]))
    assert (found.stages, found.num_steps, found.num_answers) == ((), 0, 3 * 2)
    words = shlex.split(command(request(trained_by=3), Names("a", "b", "c"), (), "out"))
    assert words[:2] == ["grice", "submit"]
    assert words[-2:] == ["--trained-by", "3"]


def test_the_time_is_that_of_all_pairs_all_answers_and_all_runs(tmp_path: Path) -> None:
    found = planned(tmp_path, ["new", "newer"])
    pace = Pace(0.5, 2.0, per_run_s=9.0, peak_bytes=None, source="by hand")
    pairs = 4 * sum(stage.num_steps for stage in found.stages)
    assert pace.seconds(found) == 0.5 * pairs + 2.0 * 6 + 4 * (9.0 + 1.0)


def test_memory_and_device_are_told_as_far_as_they_are_known(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])

    def told(worker: WorkerStatus, peak_bytes: int | None) -> dict[str, str]:
        checks = preflight(studio, request(), found, [worker], peak_bytes)
        return {check.sentence: check.state for check in checks}

    on_cpu = worker_on(Device.CPU, 2 * 2**30)
    unknown = told(on_cpu, None)
    assert unknown["How much memory it takes is not known yet: measure it."] == "warn"
    assert unknown["1 cpu worker listening; no GPU is there, so it runs on the CPU."] == "pass"
    fits = "It takes about 1.0 GiB of memory; 2.0 GiB were free where it runs."
    assert told(on_cpu, 2**30)[fits] == "pass"
    much = "It takes about 4.0 GiB of memory, and where it may run only 2.0 GiB were free."
    assert told(on_cpu, 4 * 2**30)[much] == "warn"
    on_gpu = told(worker_on(Device.GPU, None), 2**30)
    unsure = "It takes about 1.0 GiB of memory; how much its worker has is not known."
    assert on_gpu[unsure] == "warn"
    assert on_gpu["1 gpu worker listening."] == "pass"


def test_each_stage_says_what_it_is_held_to(tmp_path: Path) -> None:
    studio, found = Studio.open(Settings(home=tmp_path)), planned(tmp_path, ["new"])
    said = (
        "Reference for Stage 1: gpt2; Reference for Stage 2: gpt2 + Stage 1. Each run proves it "
        "before its first step."
    )
    assert states(studio, request(), found)[said] == "pass"


def test_a_control_finds_its_recipe_in_the_file_beside_it(tmp_path: Path) -> None:
    own = load_recipe("content-then-manner").model_copy(update={"name": "mine"})
    files = recipe_files([request(recipe=own), request(recipe=joint_control(own))])
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert load_recipe(tmp_path / "mine-joint.yaml").control_stages == own.stages
