"""A real server on a home of its own, and a real browser in front of it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from redis import Redis

from app.state.demo import open_demo
from app.state.studio import Studio
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.settings import Settings
from grice_core.store import runs
from grice_core.store.states import RunState
from tests.app import house as demo_house
from tests.app.gricebench import Gricebench, gricebench
from tests.app.pipelines import fill, fill_with_doubts
from tests.app.samples import write_pairs_file, write_unscored_file
from tests.pipeline.world import QUICK, write_world
from worker.client import PipelineRequest, RunQueue

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 60_000
"""A shared machine may be slow; a test fails when what it waits for never comes."""
Picture = Callable[[Page, str], None]
"""Takes a picture of a page, under a name."""


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    home: Path
    studio: Studio
    pid: int
    """Of what was started: the dashboard, or what keeps it running."""


@pytest.fixture(autouse=True)
def _own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's test harness puts the page there and leaves it, where no later test could start a process from."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard without any data."""
    yield from _serve(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A dashboard without any data, for one test that brings some."""
    yield from _serve(tmp_path)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with 400 scored pairs (data set 1) and 20 unscored ones (data set 2)."""
    home = tmp_path_factory.mktemp("home")
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_pairs(write_pairs_file(home / "scored.json"), "scored.json")
    keeper.keep_pairs(write_unscored_file(home / "unscored.json"), "unscored.json")
    yield from _serve(home)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Gricebench:
    """What a new user brings."""
    return gricebench(tmp_path_factory.mktemp("gricebench"))


@pytest.fixture(scope="session")
def pairs(files: Gricebench) -> PairTable:
    """The scored pairs that a new user brings."""
    return load_pairs(files.scored).table


@pytest.fixture(scope="module")
def bench_server(files: Gricebench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with what a new user brings: scored pairs (data set 1), unscored ones (2)."""
    home = tmp_path_factory.mktemp("bench")
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_pairs(files.scored, files.scored.name)
    keeper.keep_pairs(files.unscored, files.unscored.name)
    yield from _serve(home)


@pytest.fixture(scope="session")
def busy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with four pipelines: two are done, one is in its first stage, one waits."""
    home = tmp_path_factory.mktemp("busy")
    fill(Studio.open(Settings(home=home)), home)
    yield from _serve(home)


@pytest.fixture(scope="session")
def doubtful_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with pipelines that were judged on 10, 100 and 100 prompts."""
    home = tmp_path_factory.mktemp("doubtful")
    fill_with_doubts(Studio.open(Settings(home=home)), home)
    yield from _serve(home)


@pytest.fixture(scope="session")
def trained_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Everything, with a tiny pipeline of two stages (1) that its worker has run through, in fp32."""
    home, world = tmp_path_factory.mktemp("trained"), tmp_path_factory.mktemp("world")
    write_world(world)
    studio = Studio.open(Settings(home=home))
    away = Redis(unix_socket_path=str(home / "nowhere"))  # the worker looks when it starts
    RunQueue(studio.database, studio.artifacts, away).submit(
        PipelineRequest(
            data=world / "pairs.json",
            eval=world / "eval.json",
            base=str(world / "base"),
            detector=str(world / "detector"),
            recipe=load_recipe("content-then-manner", QUICK),
            device="cpu",
            precision="fp32",
        )
    )
    for server in serve(home, free_port(), "app"):
        wait_for_runs(server)
        yield server


def wait_for_runs(server: Server) -> None:
    """Wait until all runs of pipeline 1 have succeeded."""
    deadline = time.monotonic() + 5 * PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        states = {run.state for run in runs.of_pipeline(server.studio.database, 1)}
        if states == {RunState.SUCCEEDED}:
            return
        time.sleep(0.5)
    pytest.fail(f"the pipeline did not get through: {states}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(executable).exists():
            pytest.skip("needs a browser: install chromium, or run `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser, the same in all tests: what it has fetched once, it need not fetch again."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A new tab, which is a new session; a request that leaves this machine fails the test."""
    page = context.new_page()
    page.route(
        lambda url: not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")),
        lambda route: pytest.fail(f"the page asked {route.request.url}"),
    )
    yield page
    page.close()


@pytest.fixture(scope="session")
def whole_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What `make run` starts: queue, worker and dashboard; 20 unscored pairs (data set 1)."""
    home = tmp_path_factory.mktemp("whole")
    studio = Studio.open(Settings(home=home))
    pairs = write_unscored_file(home / "unscored.json")
    Keeper(studio.database, studio.artifacts).keep_pairs(pairs, "unscored.json")
    yield from _serve(home, "app")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What `make run` starts, with the demo project in it."""
    home = tmp_path_factory.mktemp("house")
    open_demo(Studio.open(Settings(home=home)))
    yield from serve(home, free_port(), "app", **demo_house.QUICK)


@pytest.fixture(scope="session")
def undisturbed(house: Server) -> dict[int, float]:
    """The losses of stage 1 of the house's small demo, seed 0, with no one in the way."""
    return demo_house.run_through(house)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: to `GRICE_SCREENSHOTS`, if it is set."""
    chosen = os.environ.get("GRICE_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def picture(pictures: Path) -> Picture:
    """Takes a picture of a whole page, which scrolls in a frame of its own."""

    def take(page: Page, name: str) -> None:
        size = page.viewport_size
        assert size is not None
        page.set_viewport_size({"width": size["width"], "height": 2200})
        page.screenshot(path=pictures / f"{name}.png")
        page.set_viewport_size(size)

    return take


def _serve(home: Path, program: str = "app.serve") -> Iterator[Server]:
    yield from serve(home, free_port(), program)


def serve(home: Path, port: int, program: str, **environment: str) -> Iterator[Server]:
    """A dashboard, or everything, until the generator is closed."""
    url = f"http://127.0.0.1:{port}"
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program],
            cwd=ROOT,
            env={**os.environ, "GRICE_HOME": str(home), "GRICE_PORT": str(port), **environment},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(url, process)
            yield Server(url, home, Studio.open(Settings(home=home)), process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 5 * PATIENCE_MS / 1000
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5)  # noqa: S310 - our own
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the dashboard did not start; see server.log in its home")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
