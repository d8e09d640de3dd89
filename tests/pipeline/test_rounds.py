"""Stages whose pairs the model writes itself, as part of a pipeline."""

import json
import shutil
from dataclasses import replace
from random import Random

import pytest

from grice_core.data.columnar import read_pairs
from grice_core.data.load import load_pairs
from grice_core.data.split import holdout_mask
from grice_core.errors import InterruptedRunError, TrainingError
from grice_core.pipeline.output import stages_that_count
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.rounds import prompts_of_round, write_share_of_round
from grice_core.pipeline.run import run_pipeline
from grice_core.progress import Reporter
from grice_core.recipes.load import parse_recipe
from grice_core.rounds.phases import Phase
from grice_core.rounds.series import num_rounds, rounds_before
from grice_core.verify.run import verify
from tests.pipeline.world import OWN, config, own


@pytest.fixture(scope="module")
def phases():
    """What the pipeline's rounds said of their phases, filled by `ran`."""
    return []


@pytest.fixture(scope="module")
def ran(world, tmp_path_factory, phases):
    """A pipeline with two rounds, and what it said."""
    said = []
    out = tmp_path_factory.mktemp("rounds") / "out"
    reporter = Reporter(say=said.append, on_phase=lambda *phase: phases.append(phase))
    result = run_pipeline(config(world, out, recipe=own()), reporter)
    return result, said


def own_pairs(result, stage="round1"):
    return result.output.stage(stage).own_pairs


def test_only_training_prompts_are_trained_on(ran, world):
    """Neither the evaluation's nor those held out, although the latter are asked too."""
    result, _ = ran
    pairs = load_pairs(own_pairs(result)).table
    given = load_pairs(world / "pairs.json").table.prompts
    assert set(pairs.prompts) <= set(given) - set(result.evaluation.selection.prompts)
    num_train = sum(~holdout_mask(pairs.prompts, 0.3, seed=0))
    assert result.record["stages"][1]["num_train"] == num_train > 0
    assert len(set(pairs.prompts)) == len(pairs)


def test_chosen_is_better_by_the_pipelines_judge(ran):
    pairs = read_pairs(own_pairs(ran[0]))
    assert pairs.scored.all()
    assert (pairs.margins[:, 3] > 0).all()


def test_a_rounds_pairs_say_where_they_come_from(ran):
    row = read_pairs(own_pairs(ran[0])).extras.to_pylist()[0]
    assert row["sampled_from"] == "base + stage1"
    assert row["judge"] == ran[0].record["inputs"]["detector"]["fingerprint"]
    reference = ran[0].record["stages"][1]["reference"]
    assert row["weights_sha256"] == reference["sha256"]
    assert row["sampling"].startswith("best of 3 against worst, temperature 1")


def test_the_reference_of_a_round_is_the_model_before_it(ran):
    record = ran[0].record["stages"][1]
    assert record["reference"]["is"].endswith("base + stage1 merged")
    assert record["preflight"]["max_delta"] == 0


def test_a_round_that_does_not_help_ends_them_and_says_so(ran):
    """Tiny models learn nothing that a judge of random weights would see."""
    result, said = ran
    first, second = result.record["rounds"]
    assert first["ended_by"]["rule"] in {"gain", "unfinished"}
    assert second["in_effect"] is False
    assert "ended the rounds" in second["said"][0]
    assert any(line.startswith("round1: the rounds end and this one is") for line in said)
    assert not result.output.stage("round2").final_model.exists()


def test_what_does_not_count_is_not_evaluated(ran):
    result, _ = ran
    counted = [each["name"] for each in result.record["rounds"] if each["in_effect"]]
    models = [model.name for model in result.evaluation.models]
    assert models == ["baseline", "stage1", *counted]


def test_all_of_it_can_be_derived_again(ran):
    result, _ = ran
    found = verify(result.output.path, device="cpu", draw=Random(0))
    assert [check.problems for check in found.checks] == [()] * len(found.checks)


@pytest.mark.usefixtures("ran")
def test_a_round_says_which_phase_it_is_in_and_how_far_each_is(phases):
    """In the order of the phases; each that counts answers comes to its end."""
    first_round = (
        phases[: phases.index(("ask", 0, 0), 1)] if ("ask", 0, 0) in phases[1:] else phases
    )
    seen = dict.fromkeys(name for name, _, _ in first_round)
    assert list(seen) == list(Phase)
    ends = {name: (done, total) for name, done, total in first_round}
    assert ends["sample"] == ends["judge"] == (10 * 3, 10 * 3)
    assert ends["ask"] == ends["check"]
    assert ends["train"] == (0, 0)  # its steps are reported as those of any stage


def test_a_round_notes_what_its_filter_left(ran):
    kept = ran[0].record["rounds"][0]["kept"]
    assert kept["num_train"] == ran[0].record["stages"][1]["num_train"]
    assert kept["num_train"] + kept["num_heldout"] + sum(kept["dropped"].values()) == len(
        read_pairs(own_pairs(ran[0]))
    )


def test_yields_add_up(ran):
    sampled = ran[0].record["rounds"][0]["sampled"]
    assert sampled["num_pairs"] + sum(sampled["dropped"].values()) == sampled["num_prompts"] == 10


def test_rounds_alone_of_which_none_counts_end_in_a_sentence(world, tmp_path):
    """Nothing is left to evaluate; run.json says so too, rather than that it is still running."""
    recipe = own("round.samples.min_gain=0.99")
    alone = recipe.model_copy(update={"stages": recipe.stages[1:]})
    out = tmp_path / "out"
    with pytest.raises(TrainingError, match=r"no stage is left to evaluate: .*pairs") as raised:
        run_pipeline(config(world, out, recipe=alone))
    record = json.loads((out / "run.json").read_text())
    assert (record["state"], record["ended_in"]) == ("interrupted", "evaluation")
    assert record["error"] == str(raised.value)


@pytest.mark.stack
def test_the_cap_on_steps_ends_the_rounds(world, tmp_path):
    """Both rounds together; with nothing held out, nothing else can end them."""
    recipe = own("holdout_share=0", "round.max_steps=3", "round.num_steps=2", "round.rounds=3")
    result = run_pipeline(config(world, tmp_path / "out", recipe=recipe))
    assert [each["num_steps"] for each in result.record["stages"][1:]] == [2, 1]
    assert [each["ended_by"] and each["ended_by"]["rule"] for each in result.record["rounds"]] == [
        None,
        "steps",
        None,
    ]
    card = (result.output.stage("round2").final_model / "README.md").read_text()
    assert "the cap of 3 optimizer steps is reached" in card
    assert [model.name for model in result.evaluation.models] == [
        "baseline",
        "stage1",
        "round1",
        "round2",
    ]


@pytest.mark.stack
def test_too_few_pairs_end_the_rounds_and_not_the_pipeline(world, tmp_path):
    recipe = own("round.samples.min_gain=0.99")
    result = run_pipeline(config(world, tmp_path / "out", recipe=recipe))
    assert result.record["rounds"][0]["ended_by"]["rule"] == "pairs"
    assert [model.name for model in result.evaluation.models] == ["baseline", "stage1"]


@pytest.mark.stack
def test_stopped_anywhere_it_comes_to_the_same(ran, world, tmp_path):
    """While answers are written, judged, trained on, and asked again."""
    asked = config(world, tmp_path / "out", recipe=own())
    tasks: list[str] = []

    def stops_at(task):
        seen = False

        def should_stop():
            nonlocal seen
            seen = seen or (bool(tasks) and tasks[-1].startswith(task))
            return seen

        return Reporter(lambda task, *_: tasks.append(task), should_stop=should_stop)

    for task in ("stage1: generate", "round1", "round1: generate"):
        tasks.clear()
        resume = (asked.out / "run.json").exists()
        with pytest.raises(InterruptedRunError):
            run_pipeline(replace(asked, resume=resume), stops_at(task))
    resumed = run_pipeline(replace(asked, resume=True))
    result, _ = ran
    for name in ("evaluation.json", "generations.jsonl"):
        assert (resumed.output.path / name).read_text() == (result.output.path / name).read_text()
    assert own_pairs(resumed).read_bytes() == own_pairs(result).read_bytes()
    assert resumed.record["rounds"] == result.record["rounds"]


def test_a_series_of_rounds_is_told_from_another():
    two = OWN.replace(
        "evaluation:",
        OWN[OWN.index("  - name: round") :]
        .split("evaluation")[0]
        .replace("name: round", "name: more")
        .replace("title: own", "title: more")
        + "evaluation:",
    )
    recipe = parse_recipe(two, "two")
    names = [stage.name for stage in recipe.stages]
    assert names == ["stage1", "round1", "round2", "more1", "more2"]
    assert [s.name for s in rounds_before(recipe, 4)] == ["more1"]
    assert [s.name for s in rounds_before(recipe, 2)] == ["round1"]
    assert rounds_before(recipe, 1) == rounds_before(recipe, 0) == ()
    assert [num_rounds(recipe, name) for name in names] == [1, 2, 2, 2, 2]


def test_rounds_that_were_left_out_do_not_count():
    record = {
        "stages": [{"name": "stage1"}, {"name": "round1"}, {"name": "round2"}],
        "rounds": [
            {"name": "round1", "in_effect": True},
            {"name": "round2", "in_effect": False},
            {"name": "round3", "in_effect": False},
        ],
    }
    assert stages_that_count(record) == ["stage1", "round1"]
    assert stages_that_count({"stages": [{"name": "stage1"}]}) == ["stage1"]


class Helpers:
    """Three other workers: the first never comes, the second has another model, the third helps."""

    def __init__(self, parts, folder):
        self.parts, self.folder = parts, folder
        self.asked = self.dismissed = 0

    def ask(self, num_answers):
        self.asked = num_answers
        return 4

    def written(self, share):
        path = self.folder / f"share-{share}"
        if share == 2:
            path.write_text('{"key": "of another model"}\n{"place": 0, "response": "not mine"}\n')
        if share == 3:
            write_share_of_round(self.parts.round_job("round1"), (share, 4), path)
        return None if share == 1 else path

    def take_back(self, share):
        return share == 1

    def num_written(self):
        return 0

    def dismiss(self):
        self.dismissed += 1


def test_with_the_help_of_others_the_answers_are_those_of_one(ran, world, tmp_path):
    shutil.copytree(ran[0].output.path, tmp_path / "out")
    for left in (tmp_path / "out").glob("round*"):  # as it was before its first round
        shutil.rmtree(left)
    asked, said = config(world, tmp_path / "out", recipe=own(), precision="fp32"), []

    def sampled(journal, helpers=None):
        job = PipelineParts(asked, Reporter(say=said.append), helpers=helpers).round_job("round1")
        wanted = prompts_of_round(job)
        found = job.sampler.sample(wanted.stage, wanted.selection, wanted.sampling, journal)
        return found.answers.responses

    helpers = Helpers(PipelineParts(asked), tmp_path)
    assert sampled(tmp_path / "helped", helpers) == sampled(tmp_path / "alone")
    assert (helpers.asked, helpers.dismissed) == (30, 1)
    assert any("another worker wrote is of no use" in line for line in said)
