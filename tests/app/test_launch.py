"""Launch: checks as one types, one pipeline however often one clicks."""

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import pipelines
from tests.app.conftest import Server

pytestmark = pytest.mark.stack


def test_checks_then_launches_one_pipeline(busy_server: Server, page: Page) -> None:
    before = len(pipelines.page(busy_server.studio.database))
    page.goto(f"{busy_server.url}/launch?data=1")
    launch = page.get_by_role("button", name="Launch")
    expect(launch).to_be_disabled()
    expect(page.get_by_text("Choose a detector.")).to_be_visible()
    page.get_by_label("Hub id or folder of the detector").fill("org/judge")
    page.keyboard.press("Enter")
    expect(launch).to_be_enabled()
    expect(page.get_by_text("grice pipeline --data scored.json")).to_be_visible()
    launch.dblclick()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert len(pipelines.page(busy_server.studio.database)) == before + 1
