"""Pipelines that are asked for at once: each is run once, in the order that one chooses."""

import re

import pytest
from playwright.sync_api import Page, expect

from grice_core.registry import Keeper
from grice_core.store import pipelines
from grice_core.store.states import RunState
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page
from tests.app.gricebench import Gricebench
from tests.app.house import (
    BLOWS_UP,
    LONG_MS,
    asked,
    chain,
    door,
    heading,
    launch,
    launch_link,
    queue_line,
    until,
    withdraw,
)

pytestmark = pytest.mark.stack

BLOWN_UP = re.compile(
    r"loss (is NaN|is infinite|has diverged) since step \d+: lower the learning rate"
)
RUINED = re.compile(r"The training of [Ss]tage ?1 has diverged: lower its learning_rate")
SHORT = ("stage1.max_length=128", "stage2.max_length=128")
"""As long a text as the demo's base can read."""


def test_a_launch_is_measured_and_started_once_from_two_tabs(
    house: Server, page: Page, picture: Picture
) -> None:
    open_page(page, launch_link(house, seed="7"))
    expect(page.get_by_text(re.compile(r"answers: about .+ of memory"))).to_be_visible(
        timeout=LONG_MS
    )
    measured = page.get_by_text("Measured for these settings")
    if not measured.is_visible():  # tests before this one have run pipelines with this base
        page.get_by_role("button", name="Measure now").click()
    expect(measured).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Reference for Stage 2: base + Stage 1")).to_be_visible()
    picture(page, "launch-measured")

    other_tab = page.context.new_page()
    open_page(other_tab, page.url)
    first = launch(page)
    assert launch(other_tab) == first
    other_tab.close()
    same = [
        found.pipeline.id
        for found in pipelines.page(house.studio.database)
        if found.pipeline.spec["seed"] == 7
    ]
    assert same == [first]
    withdraw(house, first)  # others count what waits


def test_three_in_the_queue_are_moved_paused_and_cancelled_and_one_that_fails_blocks_nobody(
    house: Server, page: Page, picture: Picture
) -> None:
    busy = asked(house, 21)
    fails = asked(house, 22, BLOWS_UP)
    middle, last = asked(house, 23), asked(house, 24)
    open_page(page, f"{house.url}/runs?pipeline={fails}")
    waiting = page.get_by_test_id("stExpander").filter(has_text="Queue")
    expect(waiting.get_by_text(f"1 · {fails} · demo on demo pairs")).to_be_visible()
    expect(waiting.get_by_text(f"3 · {last} · demo on demo pairs")).to_be_visible()
    expect(waiting.get_by_text("2 others before it")).to_be_visible()
    expect(heading(page, "waiting · score")).to_be_visible()
    picture(page, "runs-queued")

    queue_line(page, house, last).get_by_role("button", name="Earlier").click()
    expect(waiting.get_by_text(f"2 · {last} · demo on demo pairs")).to_be_visible()
    queue_line(page, house, middle).get_by_role("button", name="Cancel").click()
    cancelled = (
        f"score (run {chain(house, middle)['score'].id}) cancelled: resume it, or run it again"
    )
    expect(waiting.get_by_text(cancelled)).to_be_visible()
    assert chain(house, middle)["score"].state is RunState.CANCELLED

    waiting.get_by_role("button", name="Pause").click()
    expect(waiting.get_by_text("Paused:")).to_be_visible()
    expect(waiting.get_by_text("the queue is paused").first).to_be_visible()
    waiting.get_by_role("button", name="Resume queue").click()
    expect(waiting.get_by_text("Order:")).to_be_visible()

    expect(page.get_by_text(BLOWN_UP)).to_be_visible(timeout=LONG_MS)
    expect(heading(page, "failed · stage 1 of 2")).to_be_visible()
    picture(page, "runs-failed")
    until(lambda: chain(house, last)["export"].state is RunState.SUCCEEDED, "the next one is done")
    assert chain(house, busy)["export"].state is RunState.SUCCEEDED
    assert chain(house, middle)["score"].state is RunState.CANCELLED


def test_what_diverges_on_real_pairs_is_told_too_and_the_next_one_goes_on(
    house: Server, page: Page, picture: Picture, files: Gricebench
) -> None:
    Keeper(house.studio.database, house.studio.artifacts).keep_pairs(files.scored, "real pairs")
    real = {"recipe": "content-then-manner", "data": "real pairs"}
    # With a rate of 1 the small model may learn these pairs after all.
    fails = asked(house, 41, *SHORT, "stage1.learning_rate=1000", **real)
    following = asked(house, 42, *SHORT, "stage1.num_steps=12", **real)
    open_page(page, f"{house.url}/runs?pipeline={fails}")
    # Weights may be ruined and every pair of stage 1 won all the same; then stage 2 can't begin on them.
    expect(heading(page, r"failed · stage \d of 2")).to_be_visible(timeout=LONG_MS)
    told = page.get_by_text(BLOWN_UP).or_(page.get_by_text(RUINED))
    expect(told).to_be_visible()
    picture(page, "runs-failed-on-real-pairs")
    until(lambda: chain(house, following)["export"].state.is_finished(), "the next one ends")
    assert chain(house, following)["export"].state is RunState.SUCCEEDED


def test_several_seeds_and_the_control_are_as_many_pipelines(house: Server, page: Page) -> None:
    before = len(pipelines.page(house.studio.database))
    door(house).pause()
    open_page(page, launch_link(house, seed="31", repeats="2", joint="1", leakage="keep"))
    expect(page.get_by_text("4 pipelines:")).to_be_visible()
    expect(page.get_by_text("--leakage keep").first).to_be_visible()
    page.get_by_role("button", name="Launch 4 pipelines").dblclick()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    new = pipelines.page(house.studio.database)[
        : len(pipelines.page(house.studio.database)) - before
    ]
    asked_for = sorted(
        (found.pipeline.spec["recipe"]["name"], found.pipeline.spec["seed"]) for found in new
    )
    assert asked_for == [("demo", 31), ("demo", 32), ("demo-joint", 31), ("demo-joint", 32)]
    assert {found.pipeline.spec["leakage"] for found in new} == {"keep"}
    for found in new:
        pipelines.remove(house.studio.database, found.pipeline.id)
    door(house).unpause()
