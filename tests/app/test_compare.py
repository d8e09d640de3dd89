"""Compare: verdict, table, answers, exports, link."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app.conftest import Server

pytestmark = pytest.mark.stack


def test_shows_the_verdict_first_and_every_change_of_the_linked_pipeline(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1")
    expect(page.get_by_role("heading", name="Verdict")).to_contain_text("Cooperative")
    rates = page.locator("table").first
    expect(rates.locator("th")).to_have_text(["", "baseline", "stage1", "stage2", "change"])
    expect(rates.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_text("stage2 lost quantity")).to_be_hidden()


def test_answers_show_foreign_markup_as_text_and_the_choice_stands_in_the_link(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&show=broken+by+stage2&by=quantity")
    broken = page.get_by_role("radio", name="broken by stage2")
    expect(broken).to_be_checked()
    expect(page.get_by_text("<b>is</b> *made* of steel, says stage2").first).to_be_visible()
    page.get_by_text("still violated").click()
    expect(page).to_have_url(re.compile(r"pipeline=1.*show=still(\+|%20)violated"))


def test_another_pipeline_can_be_held_against_it(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&against=2")
    expect(page.get_by_role("heading", name="Against the other pipeline")).to_be_visible()


def test_the_report_downloads(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_text("Report, one page").click()
    report = download.value.path().read_text(encoding="utf-8")
    assert "Verdict" in report
    assert "<b>is</b>" not in report
