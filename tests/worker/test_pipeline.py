"""A pipeline through the queue, with no one disturbing it."""

import json
import shutil
import socket
import urllib.request
import zipfile
from itertools import pairwise

import pytest
import torch
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from grice_core.detector.load import load_detector
from grice_core.errors import InputError
from grice_core.export.job import MANIFEST, ExportJob
from grice_core.export.run import export_stage
from grice_core.export.stage import TrainedStage
from grice_core.pipeline.stored_output import local_output
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from grice_core.settings import settings
from grice_core.store import data_sets, generations, metrics, pipelines, references, runs
from grice_core.store.database import Database
from grice_core.store.model_exports import EXPORTED
from grice_core.store.states import RunKind, RunState
from tests.pipeline.world import own
from tests.worker.asked import (
    NUM_STEPS,
    SAMPLE_EVERY,
    SMALL,
    Asked,
    ask,
    ask_anew,
    short,
    small_request,
)
from tests.worker.installation import installed
from tests.worker.processes import eventually
from tests.worker.undisturbed import WEIGHTS, assert_undisturbed
from worker.connection import client_of
from worker.metrics import Metrics, serve_metrics
from worker.workspace import remove_leftovers


@pytest.fixture(scope="module")
def finished(quiet, world):
    """A pipeline that ran through."""
    asked = ask(quiet.queue(), world)
    asked.until_done()
    return asked


def test_the_queue_gives_the_same_numbers_as_the_command(finished, expected, tmp_path):
    assert_undisturbed(finished, expected, tmp_path)


def test_a_stage_in_the_studio_is_exported_as_one_in_a_folder(
    finished, quiet, expected, tmp_path, monkeypatch
):
    for name, value in quiet.environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    address = f"studio:{finished.pipeline_id}/stage1"
    with local_output(address, with_judges=True) as (where, places):
        job = ExportJob(
            TrainedStage.open(where),
            "adapter",
            tmp_path / "out",
            companions=("data",),
            places=places,
        )
        assert export_stage(job, torch.device("cpu"), Reporter()).comparison.is_exact
        assert load_detector(str(places.detector), torch.device("cpu"), "fp32").record.fingerprint
    written = tmp_path / "out" / WEIGHTS.name
    assert written.read_bytes() == (expected / WEIGHTS).read_bytes()
    monkeypatch.undo()
    settings.cache_clear()


def test_a_model_made_by_a_worker_is_the_one_that_the_command_makes(finished, expected, tmp_path):
    database = finished.queue.database
    run_id = finished.queue.model_exports.submit(finished.pipeline_id, "stage1", "merged", "fp32")
    run = eventually(lambda: ended(database, run_id), "the model is written")
    assert run.state is RunState.SUCCEEDED, run.error
    assert (run.step, run.num_steps) == (4, 4)
    assert run.result["comparison"].startswith("read back: the same weights bit for bit")
    address = references.of_run(database, run_id)[EXPORTED]
    finished.queue.artifacts.fetch_folder(address.sha256, tmp_path / "ours")
    job = ExportJob(
        TrainedStage.open(expected / "stage1"), "merged", tmp_path / "theirs", is_shared=True
    )
    export_stage(job, torch.device("cpu"), Reporter())
    ours, theirs = (
        json.loads((tmp_path / who / MANIFEST).read_text()) for who in ("ours", "theirs")
    )
    files = {"model.safetensors", "config.json", "generation_config.json", "README.md"}
    assert files <= set(ours["files"])
    assert all(ours["files"][name] == theirs["files"][name] for name in files)
    assert ours["base"]["name"] == "base"  # no path of this machine
    again = finished.queue.model_exports.submit(finished.pipeline_id, "stage1", "merged", "fp32")
    assert again == run_id
    assert runs.get(database, run_id).attempt == 1


def ended(database, run_id):
    run = runs.get(database, run_id)
    return run if run.state.is_finished() else None


def test_what_is_not_there_or_can_not_be_written_so_is_not_asked_of_a_worker(finished):
    submit = finished.queue.model_exports.submit
    with pytest.raises(InputError, match="has no stage 'stage9'"):
        submit(finished.pipeline_id, "stage9", "merged", "fp32")
    with pytest.raises(InputError, match="q8_0 is a format of GGUF"):
        submit(finished.pipeline_id, "stage1", "merged", "q8_0")


def test_without_a_converter_the_run_says_what_is_missing(finished, quiet):
    database = finished.queue.database
    run_id = finished.queue.model_exports.submit(finished.pipeline_id, "stage1", "gguf", "q8_0")
    run = eventually(lambda: ended(database, run_id), "the run ends")
    assert run.state is RunState.FAILED
    assert "GGUF needs llama.cpp's converter" in run.error
    finished.queue.model_exports.remove(run_id)
    remove_leftovers(database, quiet.home, grace_s=0)
    assert not (quiet.home / "work" / str(run_id)).exists()


def test_run_json_tells_the_same_as_the_commands(finished, expected, tmp_path):
    finished.queue.fetch_results(finished.pipeline_id, tmp_path / "out")
    ours, theirs = (
        json.loads((folder / "run.json").read_text()) for folder in (tmp_path / "out", expected)
    )
    for record in (ours, theirs):
        record.pop("seconds")
        record["stages"][0].pop("seconds")
        for part in record["inputs"].values():
            part.pop("path", None)
    assert ours == theirs


def test_each_run_is_claimed_once_and_waits_for_the_one_before(finished):
    rows = finished.runs
    assert [(run.kind, run.stage) for run in rows] == [
        ("score", None),
        ("train", "stage1"),
        ("evaluate", None),
        ("export", None),
    ]
    assert all(run.attempt == 1 and run.state is RunState.SUCCEEDED for run in rows)
    for earlier, later in pairwise(rows):
        assert earlier.finished_at <= later.started_at


def test_the_answers_stand_in_rows_that_sql_can_ask_about(finished):
    run = finished.run("evaluate")
    rates = generations.violation_rates(finished.queue.database, run.id)
    assert set(rates) == {"baseline", "stage1"}
    assert run.result["percent"]["baseline"] == {
        maxim: 100 * rate for maxim, rate in rates["baseline"].items()
    }
    assert run.result["verdict"]["state"] in {"met", "not met", "undecided"}


def test_the_archive_holds_the_whole_output_folder(finished, tmp_path):
    archive = references.of_run(finished.queue.database, finished.run("export").id)["archive"]
    finished.queue.artifacts.fetch_file(archive.sha256, tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as packed:
        assert {"run.json", "multistage_results.json", "stage1/history.jsonl"} <= set(
            packed.namelist()
        )


@pytest.mark.usefixtures("finished")
def test_nothing_is_left_of_the_scratch_folders(quiet):
    assert list((quiet.home / "work").iterdir()) == []


def test_asking_again_for_the_same_gives_the_same_pipeline(finished, quiet, world):
    assert ask(quiet.queue(), world).pipeline_id == finished.pipeline_id


def test_the_command_lists_follows_and_fetches(finished, quiet, tmp_path):
    listed = json.loads(quiet.grice("runs", "--json").stdout)
    ours = [run for run in listed if run["pipeline_id"] == finished.pipeline_id]
    assert {(run["kind"], run["state"]) for run in ours} == {
        (kind, "succeeded") for kind in ("score", "train", "evaluate", "export")
    }
    followed = quiet.grice("runs", "follow", str(ours[-1]["id"]))
    assert followed.returncode == 0
    assert "pairs.json: 48 usable of 48 rows" in followed.stdout
    out = tmp_path / "results"
    fetched = quiet.grice("results", str(finished.pipeline_id), "--out", str(out))
    assert fetched.returncode == 0, fetched.stderr
    assert (out / "multistage_results.json").exists()
    again = quiet.grice("results", str(finished.pipeline_id), "--out", str(out))
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_the_command_asks_for_the_same_as_the_apps_door(finished, quiet, world):
    files = {"data": "pairs.json", "eval": "eval.json", "base": "base", "detector": "detector"}
    options = [word for name, file in files.items() for word in (f"--{name}", str(world / file))]
    changes = [word for change in SMALL for word in ("--set", change)]
    how = ["--device", "cpu", "--precision", "fp32", "--sample-every", str(SAMPLE_EVERY)]
    asked = quiet.grice("submit", *options, "--recipe", "joint", *changes, *how)
    assert asked.returncode == 0, asked.stderr
    assert int(asked.stdout) == finished.pipeline_id
    assert f"grice results {finished.pipeline_id} --out DIR" in asked.stderr
    wanting = quiet.grice("submit", *options[:2])
    assert wanting.returncode == 2
    assert "--base, --detector missing" in " ".join(wanting.stderr.split())


def test_the_demo_is_asked_for_without_any_file(quiet):
    asked = quiet.grice("submit", "--demo", "--seed", "7")
    assert asked.returncode == 0, asked.stderr
    demo = Asked(quiet.queue(), int(asked.stdout))
    kinds = ["score", "train", "train", "evaluate", "export"]
    assert [run.kind for run in demo.runs] == kinds
    for run in reversed(demo.runs):
        assert quiet.grice("runs", "stop", str(run.id)).returncode == 0
    eventually(lambda: all(run.state.is_finished() for run in demo.runs), "all are stopped")


def test_the_command_stops_resumes_and_retries(quiet, world):
    asked = ask_anew(quiet.queue(), world)
    train = str(asked.until_step(20).id)
    assert "it does at its next step" in quiet.grice("runs", "stop", train).stdout
    assert asked.until("train", lambda run: run.state.is_finished()).state is RunState.CANCELLED
    assert "continues from its last checkpoint" in quiet.grice("runs", "resume", train).stdout
    asked.until_done()
    again = quiet.grice("runs", "resume", train)
    assert again.returncode == 1
    assert "only a failed or cancelled run can be resumed" in " ".join(again.stderr.split())
    later = [str(asked.run(kind).id) for kind in ("evaluate", "export")]
    assert f"stale now: runs {', '.join(later)}" in quiet.grice("runs", "retry", train).stdout
    asked.until("train", lambda run: run.state is RunState.SUCCEEDED and run.round == 1)


def test_a_pipeline_moves_to_another_installation_as_one_file(finished, quiet, template, tmp_path):
    file, results = tmp_path / "pipeline.grice", tmp_path / "results"
    written = quiet.grice("archive", "export", str(finished.pipeline_id), "--out", str(file))
    assert written.returncode == 0, written.stderr
    again = quiet.grice("archive", "export", str(finished.pipeline_id), "--out", str(file))
    assert "is there already" in again.stderr
    with installed(template) as elsewhere:
        taken = [elsewhere.grice("archive", "import", str(file)) for _ in range(2)]
        assert [done.returncode for done in taken] == [0, 0], taken[0].stderr
        assert taken[0].stdout == taken[1].stdout
        moved = Asked(elsewhere.queue(), int(taken[0].stdout))
        assert [run.state for run in moved.runs] == [RunState.SUCCEEDED] * 4
        assert len(metrics.since(moved.queue.database, moved.run("train").id)) == NUM_STEPS
        moved.queue.fetch_results(moved.pipeline_id, results)
    finished.queue.fetch_results(finished.pipeline_id, tmp_path / "before")
    for path in (tmp_path / "before").rglob("*.*"):
        assert (results / path.relative_to(tmp_path / "before")).read_bytes() == path.read_bytes()


def test_a_run_that_is_stopped_writes_a_checkpoint_and_goes_on_when_resumed(
    quiet, world, expected, tmp_path
):
    asked = ask_anew(quiet.queue(), world)
    run = asked.until_step(30)
    asked.queue.stop(run.id)
    stopped = asked.until("train", lambda run: run.state.is_finished())
    assert stopped.state is RunState.CANCELLED
    assert stopped.step < 120
    assert stopped.checkpoint_step == stopped.step
    asked.queue.resume(run.id)
    asked.until_done()
    assert asked.run("train").attempt == 2
    assert_undisturbed(asked, expected, tmp_path)


def test_two_processes_of_a_worker_train_what_one_trains(quiet, world):
    # In fp32, where nothing but the order of sums may tell them apart.
    of_one, of_two = trained_by_one_and_two(quiet, world, "fp32")
    assert of_two == pytest.approx(of_one, abs=1e-4)


def test_in_bf16_they_train_the_same_up_to_its_digits(quiet, world):
    """A number of bf16 has 8 binary digits, so what is computed in it twice, with sums in another order,
    may differ by 2⁻⁸ of itself: that much of a log-probability, and of what is made of several."""
    of_one, of_two = trained_by_one_and_two(quiet, world, "bf16")
    digits = 2**-8
    (stage,) = load_recipe("joint", SMALL).stages
    nats = sum(abs(of_one[f"heldout/logps/{which}"]) for which in ("chosen", "rejected"))
    for name, value in of_one.items():
        if "/accuracies" in name:  # whole pairs, of which one may be a close call
            continue
        # A reward is beta times a difference of log-probabilities, policy's and reference's; the loss
        # falls by at most a reward margin's growth.
        off = digits * (abs(value) if "/logps/" in name else 2 * stage.beta * nats)
        assert of_two[name] == pytest.approx(value, abs=off), name


def trained_by_one_and_two(quiet, world, precision):
    """What was measured after training, by one process and by two."""
    alone, together = (
        ask(quiet.queue(), world, recipe=short(), num_processes=count, precision=precision)
        for count in (1, 2)
    )
    for asked in (alone, together):
        asked.until_trained()
        asked.queue.stop(asked.run("evaluate").id)  # which is not asked about
    assert "stage1: 2 processes, " in together.log("train")
    return tuple(each.run("train").result["after"] for each in (alone, together))


def test_a_run_done_again_from_nothing_makes_what_was_built_on_it_stale(finished):
    queue = finished.queue
    train = finished.run("train")
    stale = queue.rerun(train.id)
    assert stale == [finished.run("evaluate").id, finished.run("export").id]
    finished.until("train", lambda run: run.state is RunState.SUCCEEDED and run.attempt == 2)
    for run_id in stale:
        queue.rerun(run_id)
    finished.until_done()
    assert not any(run.stale for run in finished.runs)
    assert runs.get(queue.database, train.id).round == 1


def test_what_a_pipeline_would_take_is_measured_by_a_worker(quiet, world):
    queue, request = quiet.queue(), small_request(world, seed=9)
    run_id = queue.measure(request)
    assert queue.measure(request) == run_id
    eventually(lambda: runs.get(queue.database, run_id).state.is_finished(), "it is measured")
    run = runs.get(queue.database, run_id)
    assert (run.state, run.pipeline_id) == (RunState.SUCCEEDED, None), run.error
    (stage,) = run.result["stages"]
    assert (stage["name"], stage["num_steps"]) == ("stage1", 120)
    assert run.result["num_answers"] == 4
    assert run.result["seconds"] > stage["seconds"] > 0
    assert run.result["peak_bytes"] > 0


def test_trained_stages_are_evaluated_again_on_other_prompts(finished, quiet, world, tmp_path):
    more = load_recipe("joint", (*SMALL, "evaluation.num_prompts=3"))
    again = ask(quiet.queue(), world, recipe=more, trained_by=finished.pipeline_id)
    again.until_done()
    assert [run.kind for run in again.runs] == ["score", "evaluate", "export"]
    out = tmp_path / "again"
    quiet.queue().fetch_results(again.pipeline_id, out)
    finished.queue.fetch_results(finished.pipeline_id, tmp_path / "first")
    assert (out / WEIGHTS).read_bytes() == (tmp_path / "first" / WEIGHTS).read_bytes()
    first, second = (
        (folder / "generations.jsonl").read_text().splitlines()
        for folder in (tmp_path / "first", out)
    )
    assert len(second) == 6  # by the baseline and by the stage, to three prompts each
    assert set(first) <= set(second)  # the same prompt is answered as before


def test_stages_that_are_not_trained_yet_are_not_evaluated(quiet, world):
    queue = quiet.queue()
    queue.pause()
    waiting = ask_anew(queue, world)
    with pytest.raises(InputError, match="has not trained all its stages yet"):
        ask(queue, world, trained_by=waiting.pipeline_id)
    queue.stop(waiting.runs[0].id)
    queue.unpause()


def test_prometheus_is_told_of_runs_queue_and_workers_without_any_text(finished, quiet):
    queue = quiet.queue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve_metrics(Metrics(queue.database, queue.redis, quiet.home), "127.0.0.1", port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        told = answer.read().decode()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }
    num_trained = sum(
        load.num_runs
        for load in runs.load(queue.database)
        if (load.kind, load.state) == (RunKind.TRAIN, RunState.SUCCEEDED)
    )
    assert found["grice_runs", "train", "succeeded"] == num_trained >= 1
    assert found["grice_run_claims_total", "train"] >= num_trained
    (worker,) = queue.workers()
    assert found["grice_worker_up", "cpu", worker.name] == 1
    assert found["grice_up", "database"] == found["grice_up", "queue"] == 1
    assert found[("grice_home_free_bytes",)] > 0
    assert pipelines.get(queue.database, finished.pipeline_id).name not in told
    with pytest.raises(InputError, match="GRICE_METRICS_PORT"):
        serve_metrics(Metrics(queue.database, queue.redis, quiet.home), "127.0.0.1", port)


def test_without_its_queue_prometheus_is_told_that(template, tmp_path):
    database = Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")
    nowhere = client_of(f"unix://{tmp_path}/none.sock")
    told = generate_latest(Metrics(database, nowhere, tmp_path)).decode()
    assert 'grice_up{part="database"} 1.0' in told
    assert 'grice_up{part="queue"} 0.0' in told


@pytest.mark.stack
def test_each_rounds_pairs_are_kept_as_a_data_set(quiet, world, tmp_path):
    """And a round that was not begun since the one before ended them is no failure."""
    asked = ask(quiet.queue(), world, recipe=own("evaluation.num_prompts=2"))
    asked.until_done()
    first, second = (run for run in asked.runs if (run.stage or "").startswith("round"))
    pairs = data_sets.get(asked.queue.database, first.result["data_set_id"])
    assert pairs.num_scored == pairs.num_usable >= first.result["round"]["sampled"]["num_pairs"] > 0
    assert pairs.name.endswith("round1: answers of stage1")
    ended = first.result["round"]["ended_by"]
    assert "ended the rounds" in second.result["round"]["said"][0] if ended else second.num_steps
    asked.queue.fetch_results(asked.pipeline_id, tmp_path / "out")
    assert (tmp_path / "out" / "round1" / "own_pairs.parquet").is_file()
