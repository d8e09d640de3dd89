"""Overview: what this is, where one stands, what to do next."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import transitions
from tests.app.conftest import Server
from tests.app.driving import open_page, settle, text_of
from tests.app.pipelines import Filler

pytestmark = pytest.mark.stack


def test_a_newcomer_has_two_things_to_do(empty_server: Server, page: Page) -> None:
    open_page(page, empty_server.url)

    expect(text_of(page, "cooperative speaker")).to_be_visible()
    expect(page.get_by_role("button", name="Look at the demo's stages")).to_be_visible()
    page.get_by_role("button", name="Upload your own pairs").click()

    expect(page.get_by_role("heading", name="Data")).to_be_visible()
    expect(page.get_by_text("Upload pairs")).to_be_visible()


def test_data_sets_are_listed_with_their_state_and_lead_to_their_stages(
    server: Server, page: Page
) -> None:
    open_page(page, server.url)

    expect(page.get_by_role("link", name="unscored.json")).to_be_visible()
    expect(text_of(page, "20 unscored")).to_be_visible()
    page.get_by_role("link", name="Cut the stages of").click()

    expect(page.get_by_role("heading", name="Stages")).to_be_visible()


def test_what_runs_and_the_latest_verdict_come_first(busy_server: Server, page: Page) -> None:
    open_page(page, busy_server.url)

    expect(page.get_by_role("heading", name="Running")).to_be_visible()
    expect(page.get_by_role("heading", name="Latest verdict")).to_be_visible()
    page.get_by_role("link", name="Compare baseline and stages").click()
    expect(page.get_by_role("heading", name="Compare", level=1)).to_be_visible()


def test_the_status_line_shows_running_work_on_every_page(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/data")

    expect(page.get_by_test_id("stSidebar").get_by_text("train Stage 1")).to_be_visible()


def test_the_demos_stages_are_one_click_away(fresh_server: Server, page: Page) -> None:
    open_page(page, fresh_server.url)

    page.get_by_role("button", name="Look at the demo's stages").click()

    expect(page.get_by_role("heading", name="Stages")).to_be_visible(timeout=240_000)
    expect(page.get_by_text("enough to train on").first).to_be_visible()


def test_the_demo_can_be_had_beside_data_of_ones_own(server: Server, page: Page) -> None:
    open_page(page, server.url)

    expect(page.get_by_role("heading", name="Data sets")).to_be_visible()
    expect(page.get_by_role("button", name="Look at the demo's stages")).to_be_visible()


def test_back_and_forward_lead_through_the_pages_as_they_were(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Conflicts")
    for name in ("Stages", "Detector", "Overview"):
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        settle(page)

    for name in ("Detector", "Stages", "Data"):
        page.go_back()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        settle(page)
    expect(page.get_by_text("better on the row's maxim")).to_be_visible()
    page.reload()
    expect(page.get_by_text("better on the row's maxim")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Stages", level=1)).to_be_visible()


@pytest.mark.parametrize("touched", [False, True])
def test_a_link_that_comes_before_its_page_leaves_the_page_before_as_it_was(
    server: Server, page: Page, touched: bool
) -> None:
    """Streamlit tells both, and a busy browser hears the link first."""
    seen = f"{server.url}/data?data=1&view=Conflicts"
    open_page(page, seen)
    if touched:
        page.get_by_test_id("stMain").get_by_role("heading", level=1).click()
    page.get_by_test_id("stSidebar").press("Shift")

    for link in ("/data?data=1", "/data?data=1&recipe=1", "/stages?data=1&recipe=1"):
        page.evaluate("link => history.pushState({}, '', link)", link)
    page.go_back()

    expect(page).to_have_url(seen)
    settle(page)
    expect(page.get_by_text("better on the row's maxim")).to_be_visible()


def test_a_failure_is_told_with_its_reason_and_leads_to_its_log(
    fresh_server: Server, page: Page, tmp_path: Path
) -> None:
    filler = Filler(fresh_server.studio, tmp_path)
    claim = filler.training(filler.pipeline("content-then-manner"))
    transitions.fail(
        fresh_server.studio.database, claim, "the loss is NaN: lower the learning rate"
    )
    open_page(page, fresh_server.url)
    expect(page.get_by_role("heading", name="Failed")).to_be_visible()
    expect(text_of(page, "train Stage 1 of pipeline 1")).to_be_visible()
    expect(text_of(page, "The loss is NaN: lower the learning rate.")).to_be_visible()
    page.get_by_role("link", name="Read its log").click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    expect(text_of(page, "The loss is NaN")).to_be_visible()


def test_waiting_without_a_worker_says_what_starts_one(busy_server: Server, page: Page) -> None:
    open_page(page, busy_server.url)
    expect(text_of(page, "No worker is listening: “grice up” starts one.")).to_be_visible()
