"""A look at all pages with a real browser, quick enough for every change; the rest is in `make stack`."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app.conftest import Server
from tests.app.driving import open_page, set_number

LINKS = (
    "",
    "data?data=1&view=Report",
    "data?data=1&view=Pairs",
    "data?data=1&view=Distributions",
    "detector",
    "launch?data=1",
    "runs",
    "compare",
    "system",
)


@pytest.fixture
def faults(page: Page) -> list[str]:
    """What goes wrong in the browser's scripts."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize("link", LINKS)
def test_a_page_opens_in_a_browser(
    server: Server, page: Page, faults: list[str], link: str
) -> None:
    open_page(page, f"{server.url}/{link}")

    expect(page.get_by_text("because of a bug")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert faults == []


def test_a_threshold_is_moved_and_put_back(server: Server, page: Page, faults: list[str]) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    line = page.locator(".cut-label").get_by_text("0.05", exact=True)
    expect(line).to_have_count(0)

    set_number(page, "manner >", "0.05")
    expect(line).to_be_visible()
    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.05"))

    page.get_by_role("button", name="Undo").click()
    expect(line).to_have_count(0)
    assert faults == []
