"""Real processes: an installation with its queue and its workers, fixed rather than made anew."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from tests.once import made_once
from tests.pipeline.world import write_world
from tests.postgres import running_postgres
from tests.worker.asked import SAMPLE_EVERY, SMALL, unique_name
from tests.worker.installation import Installation, installed


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, prompts, a base model and a detector, all tiny."""
    return made_once(tmp_path_factory, "world", write_world)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    return made_once(tmp_path_factory, "template", _write_template) / "grice.db"


def _write_template(folder: Path) -> None:
    engine = connect(f"sqlite:///{folder / 'grice.db'}")
    upgrade(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def expected(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `grice pipeline` makes of the same request, with no one disturbing it."""
    return made_once(tmp_path_factory, "expected", partial(_run_undisturbed, world)) / "out"


def _run_undisturbed(world: Path, folder: Path) -> None:
    options = {
        "--data": world / "pairs.json",
        "--eval": world / "eval.json",
        "--base": world / "base",
        "--detector": world / "detector",
        "--recipe": "joint",
        "--device": "cpu",
        "--precision": "fp32",
        "--sample-every": SAMPLE_EVERY,
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


@pytest.fixture(scope="session")
def installation(template: Path) -> Iterator[Installation]:
    """An installation to be mistreated: `stand` puts right what the test before has done to it."""
    with installed(template) as installation:
        yield installation


@pytest.fixture(scope="session")
def quiet(template: Path) -> Iterator[Installation]:
    """An installation with a queue and a worker that no one harms."""
    with installed(template) as installation:
        installation.stand()
        yield installation


@pytest.fixture(scope="session")
def quiet_server(template: Path) -> Iterator[Installation]:
    """An installation with a queue only."""
    with installed(template) as installation:
        installation.start_valkey()
        yield installation


@pytest.fixture(params=range(int(os.environ.get("GRICE_FREEZES", "1"))))
def again(request: pytest.FixtureRequest) -> int:
    """How often an owner was frozen before."""
    number: int = request.param
    return number


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A Postgres server that may be killed."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_url(postgres: Any) -> str:
    """URL of an empty database on that server: one that knows files of another store finds none."""
    name = unique_name()
    server = connect(postgres.get_uri()).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    server.dispose()
    url = make_url(postgres.get_uri()).set(database=name)
    return url.render_as_string(hide_password=False)
