import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.command import grice_here

GRICE = Path(sys.executable).with_name("grice")


def grice(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(GRICE), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_demo_ends_with_both_judges_tables(tmp_path: Path):
    out = tmp_path / "out"
    short = ("stage1.num_steps=2", "stage2.num_steps=2", "evaluation.num_prompts=4")
    overrides = [part for override in short for part in ("--set", override)]
    done = grice_here(
        {"GRICE_HOME": str(tmp_path)}, *("demo", "--out", str(out), "--pairs", "120"), *overrides
    )
    assert done.returncode == 0, done.stderr
    assert "cooperative" in done.stdout
    assert "judged by the rules" in done.stdout
    assert "grice check PAIRS" in done.stdout.splitlines()[-1]
    assert len(json.loads((out / "oracle.json").read_text())) == 3


def test_a_full_folder_is_refused_in_one_sentence(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    done = grice("demo", "--out", tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_that_are_not_there_are_refused(tmp_path: Path):
    done = grice("demo", "--out", tmp_path / "out", "--models", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "grice demo build" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_build_does_not_touch_a_folder_that_exists(tmp_path: Path):
    (tmp_path / "base").mkdir()
    done = grice("demo", "build", "--out", tmp_path)
    assert done.returncode == 2
    assert "--overwrite" in done.stderr


@pytest.mark.stack
def test_the_demo_samples_pairs_of_its_own(tmp_path: Path):
    short = (
        *("stage1.num_steps=2", "stage2.num_steps=2", "evaluation.num_prompts=4"),
        *("round.num_steps=2", "round.samples.num_prompts=40"),
    )
    overrides = [part for override in short for part in ("--set", override)]
    asked = ("demo", "--rounds", "1", "--out", str(tmp_path / "out"), "--pairs", "120")
    done = grice_here({"GRICE_HOME": str(tmp_path)}, *asked, *overrides)
    assert done.returncode == 0, done.stderr
    assert "from 40 prompts" in done.stdout
    assert "round1: on " in done.stdout
