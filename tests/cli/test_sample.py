"""`grice sample` as a user meets it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.data.load import load_pairs
from grice_core.errors import GriceError, InputError, OutputError
from grice_core.settings import settings
from tests.pipeline.world import write_world

ANSWERS = ("-k", "3", "--max-new-tokens", "60", "--min-gain", "0.001", "--device", "cpu")


def grice(*arguments: object) -> str:
    """Run the command; what it prints. Its `GriceError` is raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, GriceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True, scope="module")
def own_home(tmp_path_factory) -> Iterator[None]:
    """Nothing is kept from one run to the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRICE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("GRICE_KEPT_MIB", "0")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def asked(world: Path, out: Path) -> list[object]:
    return [
        *("sample", world / "pairs.json", "--base", world / "base"),
        *("--detector", world / "detector", "--without", world / "eval.json"),
        *("--out", out, "--num-prompts", "12", *ANSWERS),
    ]


def test_the_pairs_are_a_file_of_pairs_like_any_other(world, tmp_path):
    out = tmp_path / "own.json"
    said = grice(*asked(world, out))
    assert "pairs from 12 prompts" in said
    pairs = load_pairs(out).table
    assert len(pairs) > 0
    assert pairs.scored.all()
    assert (pairs.margins.mean(axis=1) > 0).all()
    asked_of = json.loads((world / "eval.json").read_text())
    assert not set(pairs.prompts) & {row["prompt"] for row in asked_of}
    first = json.loads(out.read_text())[0]
    assert first["sampled_from"].endswith("base")
    assert "temperature 1" in first["sampling"]
    assert list(tmp_path.iterdir()) == [out]


def test_what_can_not_be_sampled_is_refused_in_a_sentence(world, tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.json, \.jsonl, \.parquet"):
        grice(*asked(world, tmp_path / "own.csv"))
    with pytest.raises(InputError, match="'maner' is no maxim"):
        grice(*asked(world, tmp_path / "own.json"), "--maxims", "maner")
    with pytest.raises(InputError, match="either --base or --after"):
        grice(*asked(world, tmp_path / "own.json"), "--after", tmp_path)


_KILLED = """
import os, signal, sys
force, left = os.fsync, int(sys.argv.pop(1))
def fsync(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    force(descriptor)
os.fsync = fsync
from app.cli import main
main()
"""


@pytest.mark.stack
def test_a_killed_run_continues_to_the_same_bytes(world, tmp_path):
    """Killed while answers are written, and again a moment later."""
    whole, killed = tmp_path / "whole.parquet", tmp_path / "killed.parquet"
    grice(*asked(world, whole))
    arguments = [str(each) for each in asked(world, killed)]

    def run(last: int) -> int:
        command = [sys.executable, "-c", _KILLED, str(last), *arguments]
        return subprocess.run(command, check=False).returncode

    for _ in range(2):
        assert run(last=2) == -signal.SIGKILL
        assert killed.with_name("killed.parquet.partial").exists()
    assert run(last=0) == 0
    assert killed.read_bytes() == whole.read_bytes()
