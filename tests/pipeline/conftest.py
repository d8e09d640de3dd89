from collections.abc import Iterator
from pathlib import Path

import pytest

from grice_core.pipeline.run import PipelineResult, run_pipeline
from grice_core.settings import settings
from tests.pipeline.world import config, write_world


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory) -> Iterator[None]:
    """No test reads or fills the caches of anyone who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRICE_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def finished(world, tmp_path_factory) -> PipelineResult:
    """One pipeline, run once for all who only look at its results."""
    return run_pipeline(config(world, tmp_path_factory.mktemp("out") / "run"))
