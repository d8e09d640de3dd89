"""Real processes: one installation for those who only look, a fresh one for those who break it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from tests.pipeline.world import write_world
from tests.worker.installation import SMALL, Installation, installed


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, prompts, a base model and a detector, all tiny."""
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "grice.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def expected(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `grice pipeline` makes of the same request, with nobody disturbing it."""
    folder = tmp_path_factory.mktemp("expected")
    options = {
        "--data": world / "pairs.json",
        "--eval": world / "eval.json",
        "--base": world / "base",
        "--detector": world / "detector",
        "--recipe": "joint",
        "--device": "cpu",
        "--out": folder / "out",
    }
    arguments = [str(part) for option in options.items() for part in option]
    arguments += [part for change in SMALL for part in ("--set", change)]
    environment = {**os.environ, "GRICE_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "pipeline", *arguments],
        env=environment,
        check=True,
        capture_output=True,
    )
    return folder / "out"


@pytest.fixture(scope="session")
def quiet(template: Path) -> Iterator[Installation]:
    """An installation with a queue and a worker that nobody harms."""
    with installed(template) as installation:
        installation.start_valkey()
        installation.start_worker()
        yield installation


@pytest.fixture
def fresh(template: Path) -> Iterator[Installation]:
    """An installation with a queue, for tests that break things; no worker yet."""
    with installed(template) as installation:
        installation.start_valkey()
        yield installation
