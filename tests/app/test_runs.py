"""Runs: chain, curves, new steps as they come, stop."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTimeError

from grice_core.store import metrics, pipeline_table, runs
from grice_core.store.claims import Claim
from grice_core.store.metrics import MetricRow
from tests.app.conftest import Server
from tests.app.driving import open_page, settle
from tests.app.pipelines import NUM_STEPS, STEPS_DONE, numbers
from worker.client import RunQueue

pytestmark = pytest.mark.stack

SLACK_MS = 7_000
"""A shared machine may be slow."""


def test_opens_on_what_is_running_follows_it_and_stops_it(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/runs")
    expect(page.get_by_text(f"step {STEPS_DONE} of {NUM_STEPS}").first).to_be_visible()
    expect(page.get_by_text("Should fall, noisily")).to_be_visible()

    training = next(
        run
        for run in runs.of_pipeline(busy_server.studio.database, 3)
        if run.stage and run.state == "running"
    )
    claim = Claim(training.id, "host:1", training.attempt, training.token, training.round, 3600)
    row = MetricRow(STEPS_DONE + 1, numbers(STEPS_DONE + 1))
    metrics.record(busy_server.studio.database, claim, [row], NUM_STEPS)
    expect(page.get_by_text(f"step {STEPS_DONE + 1} of {NUM_STEPS}").first).to_be_visible()

    page.get_by_text("Log", exact=True).click()
    expect(page.get_by_text("line 29 of <b>the log</b>")).to_be_visible()

    page.get_by_role("button", name="Stop").last.click()
    expect(page.get_by_text("stopping as soon as a checkpoint is written")).to_be_visible()
    assert runs.get(busy_server.studio.database, training.id).stop_requested


def test_a_finished_pipeline_leads_to_its_comparison(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/runs?pipeline=1")
    page.get_by_text("Compare the results").click()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible()


def test_the_queue_says_why_each_run_waits(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/runs?pipeline=4")  # open, since two have something to do
    waiting = page.get_by_test_id("stExpander").filter(has_text="Order:")
    unserved = waiting.get_by_text("no cpu worker is running: “grice up” starts one")
    expect(unserved.first).to_be_visible()  # other tests may have put something there as well
    expect(
        waiting.get_by_text("continues after train Stage 1 (run 11), which is running")
    ).to_be_visible()


def test_another_tab_shows_within_three_seconds_what_was_done_in_this_one(
    busy_server: Server, page: Page
) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=1&run=1")
    expect(page.get_by_text("score: succeeded")).to_be_visible()
    door = RunQueue(busy_server.studio.database, busy_server.studio.artifacts)
    door.rerun(1)
    expect(page.get_by_text(re.compile("^score: queued"))).to_be_visible(timeout=3_000 + SLACK_MS)
    door.stop(1)
    expect(page.get_by_text("score: cancelled before it began")).to_be_visible()
    page.reload()
    expect(page.get_by_text("score: cancelled before it began")).to_be_visible()


def test_a_running_pipeline_can_not_be_deleted(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=3")
    expect(page.get_by_role("button", name="Delete")).to_be_disabled()


def pick_line(page: Page, number: int, until: Locator) -> None:
    """Choose the pipeline in this line of the table, the first one is 0, until that is seen."""
    table = page.get_by_test_id("stDataFrame").first
    for _ in range(
        5
    ):  # the table draws itself on a canvas, which does not say when it hears clicks
        table.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        table.click(position={"x": 16, "y": 50 + 33 * number})
        try:
            until.wait_for(timeout=10_000)
        except NotInTimeError:
            continue
        return
    pytest.fail(f"line {number} of the table could not be chosen")


def test_the_table_leads_from_one_pipeline_to_another(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=3")
    wanted = page.get_by_role("heading", name="2 · joint on scored.json · seed 1")
    pick_line(page, 2, wanted)  # the newest stands first: 4, 3, 2
    expect(page).to_have_url(re.compile("pipeline=2"))
    page.get_by_label("Search pipelines").fill("seed 3")
    page.get_by_label("Search pipelines").press("Enter")
    settle(page)
    # The shown one is filtered out and stays; another can be picked from what is found.
    expect(page.get_by_role("heading", name="2 · joint on scored.json · seed 1")).to_be_visible()
    pick_line(page, 0, page.get_by_role("heading", name="4 · joint on scored.json · seed 3"))


def test_a_pipeline_gets_a_name_tags_and_a_note_that_it_is_found_by(
    busy_server: Server, page: Page
) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=2")
    page.get_by_role("button", name="Name, tags, note").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("the control")
    dialog.get_by_label("Tags").fill("paper")
    dialog.get_by_label("Tags").press("Enter")
    dialog.get_by_label("Note").fill("one stage, all four weights")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="2 · the control")).to_be_visible()
    expect(page.get_by_text("one stage, all four weights")).to_be_visible()
    page.get_by_label("Search pipelines").fill("weights paper")
    page.get_by_label("Search pipelines").press("Enter")
    settle(page)
    (row,) = [r for r in pipeline_table.rows(busy_server.studio.database) if r.tags]
    assert (row.id, row.name, row.tags) == (2, "the control", ("paper",))
    page.reload()
    expect(page.get_by_label("Search pipelines")).to_have_value("weights paper")
    pipeline_table.annotate(
        busy_server.studio.database, 2, name="joint on scored.json", tags=[], note=""
    )
