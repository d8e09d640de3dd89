"""A page shows the truth within three seconds of it, whatever was reloaded, restarted or killed.

With the settings that people have. How long it took is written beside the pictures.
"""

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.state.demo import open_demo
from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import runs
from grice_core.store.states import RunState
from tests.app.conftest import Server, free_port, serve
from tests.app.driving import open_page
from tests.app.house import asked, chain, dashboard, door, press, trained, until

pytestmark = pytest.mark.stack

WITHIN_S = 3.0
SLACK_S = 7.0
"""A shared machine may be slow."""

Timed = Callable[[str, Locator], None]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What `make run` starts, with the demo project in it."""
    home = tmp_path_factory.mktemp("usual")
    open_demo(Studio.open(Settings(home=home)))
    yield from serve(home, free_port(), "app", OMP_NUM_THREADS="1")


@pytest.fixture(scope="module")
def timed(pictures: Path) -> Iterator[Timed]:
    """Takes down how long it takes from now until something can be seen."""
    taken_s: dict[str, float] = {}

    def wait(what: str, shown: Locator) -> None:
        began = time.monotonic()
        expect(shown.first).to_be_visible(timeout=1000 * (WITHIN_S + SLACK_S))
        taken_s[what] = round(time.monotonic() - began, 2)

    yield wait
    (pictures / "truth.json").write_text(json.dumps(taken_s))


def test_a_stop_is_seen_in_a_second_tab_and_after_a_reload(
    usual: Server, page: Page, timed: Timed
) -> None:
    pipeline_id = asked(usual, 0)
    until(trained(usual, pipeline_id, 5), "it trains")
    other = page.context.new_page()
    for tab in (page, other):
        open_page(tab, f"{usual.url}/runs?pipeline={pipeline_id}")
        expect(tab.get_by_text("Should fall, noisily")).to_be_visible()
    press(page, "Stop")
    until(lambda: chain(usual, pipeline_id)["train stage1"].state is RunState.CANCELLED, "it stops")
    step = chain(usual, pipeline_id)["train stage1"].step
    timed("second tab", other.get_by_text(f"stopped, checkpointed at step {step}"))
    timed("first tab", page.get_by_text(f"stopped, checkpointed at step {step}"))
    other.close()
    page.reload(wait_until="commit")
    timed("reload", page.get_by_text(f"stopped, checkpointed at step {step}"))


def test_what_was_done_while_the_dashboard_was_dead_is_seen_as_soon_as_it_is_back(
    usual: Server, page: Page, timed: Timed
) -> None:
    stopped = asked(usual, 0)
    training = chain(usual, stopped)["train stage1"].id
    open_page(page, f"{usual.url}/runs?pipeline={stopped}&run={training}")
    expect(page.get_by_text("stopped, checkpointed")).to_be_visible()
    door(usual).pause()
    dashboard(usual).kill()
    door(usual).resume(training)
    until(lambda: answers(usual), "the dashboard is back")
    told = re.compile(r"train Stage 1: queued .*: the queue is paused")
    timed("restarted dashboard", page.get_by_text(told))
    door(usual).unpause()


def test_a_killed_worker_is_told_and_that_its_run_goes_on(
    usual: Server, page: Page, timed: Timed
) -> None:
    pipeline_id = asked(usual, 1)
    open_page(page, f"{usual.url}/runs?pipeline={pipeline_id}")
    until(trained(usual, pipeline_id, 5), "it trains")
    expect(page.get_by_text("Should fall, noisily")).to_be_visible()
    training = chain(usual, pipeline_id)["train stage1"].id
    owner = runs.get(usual.studio.database, training).owner or ""
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    told = re.compile(r"Interrupted at step \d+ \(its worker was killed\)")
    timed("killed worker", page.get_by_text(told))
    until(lambda: runs.get(usual.studio.database, training).attempt == 2, "it is taken up again")
    door(usual).stop(training)


def answers(server: Server) -> bool:
    """Whether the dashboard serves."""
    try:
        urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5)  # noqa: S310 - our own
    except OSError:
        return False
    return True
