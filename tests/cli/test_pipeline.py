import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app, main
from grice_core.data.load import load_pairs
from grice_core.detector.record import read_record
from grice_core.errors import NotFoundError
from grice_core.pipeline.addresses import Addresses, address_of
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.settings import settings
from grice_core.store import recipes
from grice_core.store.tables import DataSet
from tests.pipeline.world import write_pairs, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


def command_line(world, *options, **changes):
    """`grice pipeline` with the world's files unless told otherwise."""
    files = {
        "--data": world / "pairs.json",
        "--eval": world / "eval.json",
        "--base": world / "base",
        "--detector": world / "detector",
        "--out": world / "out",
    } | {f"--{name}": value for name, value in changes.items()}
    return ["grice", "pipeline", *(str(part) for item in files.items() for part in item), *options]


@pytest.fixture
def grice(world, monkeypatch, capsys):
    """The command in this process, where torch need not be imported again: exit code and stderr."""

    def run(*options, **changes):
        monkeypatch.setattr("sys.argv", command_line(world, *options, **changes))
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code, capsys.readouterr().err

    return run


def test_the_command_ends_with_a_table_and_a_verdict(world, tmp_path):
    out = tmp_path / "out"
    command = command_line(
        world,
        *("--set", "stage1.epochs=1", "--set", "stage2.epochs=1"),
        *("--set", "evaluation.max_new_tokens=5", "--num-eval", "4", "--device", "cpu"),
        out=out,
    )
    command[0] = str(Path(sys.executable).with_name("grice"))
    home = os.environ | {"GRICE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0, done.stderr
    assert "cooperative" in done.stdout
    assert "baseline" in done.stdout
    assert "held-out accuracy" in done.stdout
    assert json.loads((out / "run.json").read_text())["state"] == "finished"
    assert "Warning" not in done.stderr


def test_without_evaluation_prompts_some_are_held_out_of_the_data(world, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = command_line(
        world,
        *("--set", "stage1.epochs=1", "--set", "stage2.epochs=1"),
        *("--set", "evaluation.max_new_tokens=5", "--num-eval", "4", "--device", "cpu"),
        out=out,
    )
    at = words.index("--eval")
    monkeypatch.setattr("sys.argv", [*words[:at], *words[at + 2 :]])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert not exit_.value.code
    run = json.loads((out / "run.json").read_text())
    assert run["leakage"] == "hold-out"
    assert run["inputs"]["eval"]["prompts"]["used"] == 4
    assert run["inputs"]["data"]["num_left_out_by_leakage"] >= 4
    assert run["inputs"]["eval"]["sha256"] == run["inputs"]["data"]["sha256"]


@pytest.fixture
def studio(world, tmp_path, monkeypatch):
    """An installation that keeps the world's pairs, detector, and a recipe of two versions."""
    monkeypatch.setenv("GRICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    addresses = Addresses.open()
    keeper = Keeper(addresses.database, addresses.artifacts)
    keeper.keep_pairs(world / "pairs.json", "my pairs")
    keeper.keep_detector(world / "detector")
    for epochs in (1, 2):
        recipe = load_recipe("content-then-manner", [f"stage1.epochs={epochs}", *_SHORT])
        body = recipe.model_copy(update={"name": "mine"}).model_dump(mode="json")
        recipes.save(addresses.database, "mine", body)
    yield addresses
    settings.cache_clear()


_SHORT = ("stage2.epochs=1", "evaluation.max_new_tokens=5", "evaluation.num_prompts=4")


@pytest.mark.usefixtures("studio")
def test_what_the_studio_keeps_is_addressed_by_name(world, tmp_path, monkeypatch):
    out = tmp_path / "out"
    words = ["grice", "pipeline", "--data", "studio:my pairs", "--base", str(world / "base")]
    words += ["--detector", "studio:detector", "--recipe", "studio:mine@1", "--out", str(out)]
    monkeypatch.setattr("sys.argv", [*words, "--device", "cpu"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert not exit_.value.code
    run = json.loads((out / "run.json").read_text())
    assert run["recipe"]["stages"][0]["epochs"] == 1
    assert run["inputs"]["data"]["path"] == "my pairs"
    assert run["inputs"]["data"]["sha256"] == load_pairs(world / "pairs.json").sha256


@pytest.mark.usefixtures("studio")
def test_stages_and_detectors_of_the_studio_are_had_from_the_command(tmp_path):
    named = CliRunner().invoke(
        app, ["stages", "studio:my pairs", "--recipe", "studio:mine", "--json"]
    )
    assert json.loads(named.stdout)["num_pairs"] == 48
    out = tmp_path / "judge"
    CliRunner().invoke(app, ["detector", "export", "studio:1", "--out", str(out)])
    assert read_record(out).architecture.kind == "heads"


def test_a_name_that_the_studio_does_not_have_is_told_with_its_home(studio, tmp_path):
    with pytest.raises(NotFoundError, match=f"no data set 'nothing' in {tmp_path / 'home'}"):
        studio.data_set("studio:nothing")
    with pytest.raises(NotFoundError, match="no recipe 'mine@7'"):
        studio.recipe("studio:mine@7")


def test_the_newest_version_of_a_recipe_takes_overrides(studio):
    assert studio.recipe("studio:mine").stages[0].epochs == 2
    assert studio.recipe("studio:mine", ["stage1.epochs=5"]).stages[0].epochs == 5


def test_a_name_that_several_have_is_told_by_number(studio):
    data_set = studio.data_set("studio:1")
    assert address_of(data_set, [data_set]) == "studio:my pairs"
    assert address_of(data_set, [data_set, DataSet(id=2, name="my pairs")]) == "studio:1"


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"data": "nowhere.json"}, (), "nowhere.json"),
        ({"base": "./nowhere"}, (), "can't load the base model ./nowhere: there is no such folder"),
        ({"detector": "./nowhere"}, (), "nowhere"),
        ({}, ("--recipe", "contnt"), "content-then-manner"),
        ({}, ("--set", "stage1.epoch=1"), "did you mean 'epochs'"),
        ({}, ("--set", "stage1.epochs=0", "--set", "stage2.beta=-1"), "stage2.beta"),
        ({}, ("--device", "cuda:77"), "cuda:77"),
        ({}, ("--num-eval", "0"), "--num-eval"),
        ({}, ("--leakage", "maybe"), "drop-eval"),
        ({}, ("--num-processes", "0"), "give a whole number from 1, or auto"),
        ({}, ("--num-processes", "2", "--device", "meta"), "models run on CPUs and CUDA GPUs only"),
    ],
)
def test_bad_input_exits_with_2_and_one_sentence(grice, tmp_path, changes, options, sentence):
    code, said = grice(*options, **({"out": tmp_path / "out"} | changes))
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said


def test_a_broken_row_is_named_and_left_out(grice, tmp_path):
    data = write_pairs(tmp_path / "pairs.json", num_pairs=4)
    rows = json.loads(data.read_text())
    rows[2]["chosen_scores"]["quality"] = 1.7
    data.write_text(json.dumps(rows))
    code, said = grice(data=data, out=tmp_path / "out")
    assert code == 2  # four pairs are too few for a step
    assert "3 usable of 4 rows" in said
    assert "1 row left out" in said
