"""Stopped or killed, a training continues as if nothing had been: real training, real kills."""

import os
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import runs
from grice_core.store.states import RunState
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page
from tests.app.house import (
    LONG_MS,
    asked,
    chain,
    dashboard,
    door,
    heading,
    losses,
    press,
    trained,
    until,
)
from worker.presence import is_dead

pytestmark = pytest.mark.stack


def test_stopped_in_the_middle_it_goes_on_without_a_seam(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    pipeline_id = asked(house, 0, "evaluation.min_cooperative=0.61")  # the same training
    open_page(page, f"{house.url}/runs?pipeline={pipeline_id}")
    expect(page.get_by_text("Should fall, noisily")).to_be_visible(timeout=LONG_MS)
    expect(heading(page, r"running · stage 1 of 2 · step \d+ of 120")).to_be_visible()
    picture(page, "runs-running")

    press(page, "Stop")
    expect(page.get_by_text(re.compile(r"stopped, checkpointed at step \d+"))).to_be_visible()
    stopped = chain(house, pipeline_id)["train stage1"]
    assert stopped.state is RunState.CANCELLED
    assert 0 < stopped.step < 120
    assert page.get_by_text(f"checkpointed at step {stopped.step}").is_visible()
    expect(heading(page, "stopped · stage 1 of 2")).to_be_visible()
    picture(page, "runs-stopped")

    link = page.url
    page.goto("about:blank")
    open_page(page, link)
    press(page, "Resume")
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert losses(house, stopped.id) == undisturbed
    picture(page, "runs-done")


def test_a_killed_job_and_a_killed_worker_are_told_and_the_run_finishes(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    pipeline_id = asked(house, 0, "evaluation.min_cooperative=0.62")
    open_page(page, f"{house.url}/runs?pipeline={pipeline_id}")
    training = chain(house, pipeline_id)["train stage1"].id
    until(trained(house, pipeline_id, 5), "it trains")
    os.kill(runs.get(house.studio.database, training).pid or 0, signal.SIGKILL)
    told = page.get_by_text(
        re.compile(r"Interrupted at step \d+ \(its process was killed.*continuing from step")
    )
    expect(told).to_be_visible(timeout=15_000)  # the lease is 10 s

    until(lambda: runs.get(house.studio.database, training).attempt == 2, "it is taken up again")
    until(trained(house, pipeline_id, 55), "it has a checkpoint")
    owner = runs.get(house.studio.database, training).owner or ""
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    until(lambda: is_dead(house.home, owner), "the worker is dead", within_s=10)
    told = page.get_by_text(
        re.compile(r"Interrupted at step \d+ \(its worker .*continuing from step 50")
    )
    expect(told).to_be_visible(timeout=20_000)
    picture(page, "runs-killed")

    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert losses(house, training) == undisturbed
    assert runs.get(house.studio.database, training).attempt == 3


def test_a_page_that_stays_open_tells_the_truth_again_when_the_dashboard_was_killed(
    house: Server, page: Page, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    export = chain(house, asked(house, 0))["export"].id
    open_page(page, f"{house.url}/runs?pipeline={asked(house, 0)}&run={export}")
    expect(page.get_by_text("export: succeeded")).to_be_visible()
    dashboard(house).kill()
    door(house).pause()
    door(house).rerun(export)
    expect(page.get_by_text("export: queued: the queue is paused")).to_be_visible()
    door(house).unpause()
    expect(page.get_by_text("export: succeeded")).to_be_visible()
