"""System: what is there, and what is missing."""

import os
import re
import time

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import pipelines
from tests.app.conftest import Server
from tests.store.samples import age, finished_pipeline

pytestmark = pytest.mark.stack


def test_says_that_no_worker_listens_and_what_is_installed(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/system")
    expect(page.get_by_text("No worker is running")).to_be_visible()
    expect(page.get_by_text("can't be reached")).to_be_visible()
    expect(page.get_by_text("grice-studio")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_long_addresses_push_nothing_out_of_sight(
    busy_server: Server, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{busy_server.url}/system")
    table = page.locator(".scroll").filter(has=page.get_by_text("database size"))
    expect(table).to_contain_text(f"{busy_server.home}/")
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") == 0


def test_tells_the_workers_memory_and_what_could_be_thrown_away(
    trained_server: Server, page: Page
) -> None:
    page.goto(f"{trained_server.url}/system")
    worker = page.locator("table", has_text="memory free").locator("tbody tr").first
    expect(worker).to_contain_text("CPU")
    expect(worker).to_contain_text(re.compile(r"\d GiB of .* GiB"))
    expect(page.get_by_text("artifacts' size")).to_be_visible()
    expect(page.get_by_text("No sign-in:")).to_be_visible()
    page.get_by_role("button", name="Find unused files").click()
    expect(page.get_by_text("No unused files.")).to_be_visible()


def test_garbage_is_told_before_it_is_thrown_away(busy_server: Server, page: Page) -> None:
    objects = busy_server.home / "artifacts" / "objects" / "ab"
    objects.mkdir(parents=True, exist_ok=True)
    leftover = objects / ("ab" + "0" * 62)
    leftover.write_bytes(bytes(2048))
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(leftover, (two_days_ago, two_days_ago))

    page.goto(f"{busy_server.url}/system")
    page.get_by_role("button", name="Find unused files").click()
    throw = page.get_by_role("button", name="Remove 1 file, 2.0 KiB")
    expect(throw).to_be_visible()
    assert leftover.exists()
    throw.click()
    expect(page.get_by_text("Removed 1 file, 2.0 KiB")).to_be_visible()
    assert not leftover.exists()


def test_old_pipelines_are_told_before_they_are_removed(fresh_server: Server, page: Page) -> None:
    studio = fresh_server.studio
    old = finished_pipeline(studio.database, studio.artifacts, fresh_server.home, "old")
    finished_pipeline(studio.database, studio.artifacts, fresh_server.home, "new")
    age(studio.database, old, 100)
    page.goto(f"{fresh_server.url}/system")
    page.get_by_role("button", name="Find old pipelines").click()
    expect(page.get_by_text("Kept: 1 young enough, 1 among the newest.")).to_be_visible()
    newest = page.get_by_label("Keep the newest …")
    newest.fill("1")
    newest.press("Enter")
    page.get_by_role("button", name="Find old pipelines").click()
    remove = page.get_by_role("button", name="Remove 1 pipeline; 0 files, 0 bytes")
    expect(remove).to_be_visible()
    assert len(pipelines.page(studio.database)) == 2
    remove.click()
    expect(page.get_by_text("Removed 1 pipeline; 0 files, 0 bytes.")).to_be_visible()
    assert [one.pipeline.key for one in pipelines.page(studio.database)] == ["new"]


def test_the_doctors_findings_say_how_to_mend_what_is_out_of_order(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/system")
    page.get_by_role("button", name="Run checks").click()
    expect(page.get_by_text(re.compile(r"^\d remarks?; \d of 9 parts are fine"))).to_be_visible()
    queue = page.get_by_test_id("stMarkdown").filter(has_text="embedded server does not run")
    expect(queue.get_by_text("Fix:")).to_be_visible()
    expect(queue.locator("code")).to_have_text("grice up")
    # What is to be fixed stands before what is fine.
    parts = page.get_by_test_id("stMarkdown").filter(has_text=" · ")
    expect(parts.first).to_contain_text("!")
    expect(parts.last).to_contain_text("✓")
