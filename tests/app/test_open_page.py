"""A page that stays open for hours grows neither in the browser nor on the server.

`GRICE_OPEN_PAGE_S` says for how long it is watched, at far more looks a second than it usually takes.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from threading import Event, Lock, Thread

import psutil
import pytest
from playwright.sync_api import CDPSession, Page, WebSocket

from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import metrics
from grice_core.store.claims import Claim
from grice_core.store.metrics import MetricRow
from tests.app.conftest import Server, free_port, serve
from tests.app.driving import open_page
from tests.app.pipelines import STAGED, Filler, numbers

pytestmark = pytest.mark.stack

WATCHED_S = float(os.environ.get("GRICE_OPEN_PAGE_S", "90"))
LOOK_EVERY_S = 0.05
NUM_SAMPLES = 30
SETTLED_S = 1.5
"""After which a page without news is drawn."""
LONG = 3_000
"""Steps of the training that is watched, which continues meanwhile."""
MIB = 2**20


@dataclass
class Traffic:
    """What the browser and the server have told each other since it was last asked."""

    num_looks: int = 0
    num_bytes: int = 0

    def follow(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda _: self._looked())
        socket.on("framereceived", self._got)

    def _looked(self) -> None:
        self.num_looks += 1

    def _got(self, frame: str | bytes) -> None:
        self.num_bytes += len(frame)


@dataclass(frozen=True)
class Sample:
    """How large everything was, and what a look took since the sample before."""

    at_s: float
    num_looks: int
    bytes_per_look: float
    server_mib: float
    heap_mib: float
    num_nodes: int


@dataclass(frozen=True)
class Watched:
    """Pipelines to be looked at."""

    server: Server
    running: int
    done: int
    claim: Claim


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("open")
    filler = Filler(Studio.open(Settings(home=home)), home)
    done = filler.finished("content-then-manner", STAGED)
    running = filler.pipeline("content-then-manner", 1)
    claim = filler.training(running, LONG)
    for server in serve(home, free_port(), "app.serve", GRICE_REFRESH_S=str(LOOK_EVERY_S)):
        yield Watched(server, running, done, claim)


def test_a_page_that_shows_a_training_does_not_grow(
    watched: Watched, page: Page, pictures: Path
) -> None:
    with training_goes_on(watched) as news:
        samples = samples_of(page, watched.server, f"runs?pipeline={watched.running}", news)
    write_down(samples, pictures / "open-page-running.json")
    assert sum(sample.num_looks for sample in samples) > 4 * WATCHED_S
    expect_no_growth(samples)


def test_a_page_that_shows_what_is_done_does_not_grow(
    watched: Watched, page: Page, pictures: Path
) -> None:
    samples = samples_of(page, watched.server, f"runs?pipeline={watched.done}", Lock())
    write_down(samples, pictures / "open-page-done.json")
    assert sum(sample.num_looks for sample in samples) > 4 * WATCHED_S
    expect_no_growth(samples)


def expect_no_growth(samples: list[Sample]) -> None:
    """The last third is no larger than what was before it.

    What a browser holds but for the moment comes and goes; what it never gives back lifts the lowest
    that it falls to, once caches are full. A look that a busy machine delays brings more news than one
    in time; what brings ever more lifts the most that a look brings.
    """
    third = len(samples) // 3
    last, second, before = samples[2 * third :], samples[third : 2 * third], samples[: 2 * third]
    for name, typical, earlier, slack in (
        ("server_mib", median, second, 8.0),
        ("heap_mib", min, second, 4.0),
        ("num_nodes", min, second, 200),
        ("bytes_per_look", max, before, 0.1 * max(one.bytes_per_look for one in before)),
    ):
        was, now = (typical([getattr(one, name) for one in part]) for part in (earlier, last))
        assert now <= was + slack, f"{name} went from {was:,.1f} to {now:,.1f}"


def samples_of(page: Page, server: Server, link: str, news: Lock) -> list[Sample]:
    """Stay on a page, and look how large it and its server are while no news come."""
    traffic = Traffic()
    page.on("websocket", traffic.follow)
    open_page(page, f"{server.url}/{link}")
    browser = page.context.new_cdp_session(page)
    process, started = psutil.Process(server.pid), time.monotonic()
    found = []
    for _ in range(NUM_SAMPLES):
        traffic.num_looks = traffic.num_bytes = 0
        page.wait_for_timeout(1000 * WATCHED_S / NUM_SAMPLES)
        looks, size = traffic.num_looks, traffic.num_bytes
        with news:  # what is being drawn is there twice
            page.wait_for_timeout(1000 * SETTLED_S)
            heap_mib = round(_heap_bytes(browser) / MIB, 1)
            num_nodes = browser.send("Memory.getDOMCounters")["nodes"]
        found.append(
            Sample(
                at_s=round(time.monotonic() - started, 1),
                num_looks=looks,
                bytes_per_look=round(size / max(looks, 1)),
                server_mib=round(process.memory_info().rss / MIB, 1),
                heap_mib=heap_mib,
                num_nodes=num_nodes,
            )
        )
    return found


def _heap_bytes(browser: CDPSession) -> int:
    """What the page's scripts hold once garbage is gone."""
    browser.send("HeapProfiler.collectGarbage")
    return int(browser.send("Runtime.getHeapUsage")["usedSize"])


@contextmanager
def training_goes_on(watched: Watched) -> Iterator[Lock]:
    """Let the training take four steps a second, but none while a user holds the lock."""
    is_over, news = Event(), Lock()

    def train() -> None:
        step = LONG
        while not is_over.wait(0.25):
            step += 1
            row = MetricRow(step, numbers(step))
            with news:
                metrics.record(watched.server.studio.database, watched.claim, [row], 10 * LONG)

    thread = Thread(target=train)
    thread.start()
    yield news
    is_over.set()
    thread.join()


def write_down(samples: list[Sample], path: Path) -> None:
    path.write_text("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
