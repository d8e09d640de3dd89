"""System: what is there, and what is missing."""

import pytest
from playwright.sync_api import Page, expect

from tests.app.conftest import Server

pytestmark = pytest.mark.stack


def test_says_that_no_worker_listens_and_what_is_installed(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/system")
    expect(page.get_by_text("No worker is listening")).to_be_visible()
    expect(page.get_by_text("can't be reached")).to_be_visible()
    expect(page.get_by_text("grice-studio")).to_be_visible()
