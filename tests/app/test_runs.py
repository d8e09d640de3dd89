"""Runs: chain, curves, new steps as they come, stop."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTimeError

from grice_core.store import metrics, pipeline_table, runs, transitions
from grice_core.store.claims import Claim
from grice_core.store.metrics import MetricRow
from tests.app.app_pages.runs.test_rounds_of import NOTED
from tests.app.conftest import Server
from tests.app.driving import assert_nothing_serious, open_page, settle, sideways
from tests.app.pipelines import NUM_STEPS, STEPS_DONE, WATCHED, Filler, numbers
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


def test_answers_while_training_are_seen_step_by_step(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=1&run=2")
    shown = page.locator(".answer")
    expect(shown).to_have_count(2 * len(WATCHED))  # before training, and the last
    expect(shown.first).to_contain_text("before training")
    expect(shown.nth(1)).to_contain_text("Steel, I <i>think</i>, after 100 steps.")
    slider = page.get_by_role("slider", name="After step")
    slider.focus()
    slider.press("ArrowLeft")
    expect(shown).to_have_count(3 * len(WATCHED))
    expect(shown.nth(1)).to_contain_text("after step 80 (kept)")
    expect(page).to_have_url(re.compile("answers_at=80"))
    page.reload()
    expect(shown.nth(1)).to_contain_text("Steel, I <i>think</i>, after 80 steps.")


def test_a_stage_that_chose_its_step_says_which_and_why(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=1&run=2")
    expect(page.get_by_text("Step 80 of 100 is kept, the best of 2 looks")).to_be_visible()
    page.get_by_text("Candidates (2)").click()
    expect(page.get_by_text("retention lost")).to_be_visible()


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


def test_a_round_shows_its_steps_its_yield_and_what_it_changed(
    fresh_server: Server, page: Page
) -> None:
    studio = fresh_server.studio
    filler = Filler(studio, fresh_server.home)
    pipeline_id = filler.pipeline("content-then-manner-own")
    report = filler.round(pipeline_id)
    report.on_phase("sample", 640, 1536)
    open_page(page, f"{fresh_server.url}/runs?pipeline={pipeline_id}")
    sampling = "sampling answers to training prompts, 640 of 1,536"
    expect(page.get_by_text(f"train Round 1: running · {sampling}")).to_be_visible()
    expect(page.get_by_text("Round 1 of 3: ✓ held-out answers before → ● sampling")).to_be_visible()

    report.on_round({name: NOTED[name] for name in ("sampled", "kept", "said")})
    report.keep({"data_set_id": filler.data.id})
    report.on_phase("train", 0, 0)
    expect(page.get_by_text("20 training prompts asked, 15 pairs made (75 %)")).to_be_visible()
    expect(page.get_by_text("preparing the pairs and their reference")).to_be_visible()

    transitions.finish(
        studio.database, report.claim, {"round": NOTED, "data_set_id": filler.data.id}
    )
    link = f"{fresh_server.url}/runs?pipeline={pipeline_id}&run={report.claim.run_id}"
    open_page(page, link)
    expect(page.get_by_text("this one is left out: unfinished answers grow")).to_be_visible()
    expect(page.get_by_text("[+2.0, +8.0]")).to_be_visible()
    assert_nothing_serious(page)
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert sideways(page) <= 0
    page.get_by_text("Look at the round's pairs").click()
    expect(page).to_have_url(re.compile(f"data=?.*data={filler.data.id}"))


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
