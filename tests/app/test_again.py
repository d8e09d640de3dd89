"""What was run once is run again: with changes, or evaluated anew."""

import re

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import pipelines
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page, set_number, settle
from tests.app.house import LONG_MS, asked, chain, heading, launch, press

pytestmark = pytest.mark.stack


def test_a_pipeline_is_cloned_with_changes_drawn_beside_it_and_deleted(
    house: Server, page: Page, picture: Picture, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    first = asked(house, 0)  # the one that ran through
    open_page(page, f"{house.url}/runs?pipeline={first}")
    page.get_by_role("link", name="Clone with changes").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    settle(page)
    page.get_by_text("Training and evaluation settings").click()
    rate = page.get_by_label("learning rate").first
    expect(rate).to_have_value("0.0004")
    rate.fill("much")
    rate.press("Enter")
    problem = page.get_by_text("Setting stage1.learning_rate: must be a number")
    expect(problem).to_be_visible()
    expect(page.get_by_text("1 problem to solve first")).to_be_visible()
    rate.fill("2e-4")
    rate.press("Enter")
    expect(problem).to_have_count(0)
    second = launch(page)
    assert second != first
    recipe = pipelines.get(house.studio.database, second).spec["recipe"]
    assert recipe["stages"][0]["learning_rate"] == 2e-4

    open_page(page, f"{house.url}/runs?pipeline={second}&over={first}")
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(f"training · pipeline {first}").first).to_be_visible()
    page.get_by_text(re.compile(r"Differs from defaults \(\d+\)")).click()
    expect(page.get_by_role("cell", name="stage1.learning_rate")).to_be_visible()
    expect(page.get_by_role("columnheader", name=f"pipeline {first}")).to_be_visible()
    picture(page, "runs-beside")

    open_page(page, f"{house.url}/runs?pipeline={second}")
    press(page, "Delete")
    expect(page.get_by_text(f"Pipeline {second} will be deleted permanently")).to_be_visible()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text(f"Pipeline {second} will be deleted permanently")).to_have_count(0)
    assert pipelines.page(house.studio.database)[0].pipeline.id != second


def test_trained_stages_are_evaluated_again_from_the_form(
    house: Server, page: Page, undisturbed: dict[int, float]
) -> None:
    assert undisturbed
    first = asked(house, 0)
    open_page(page, f"{house.url}/launch?what=evaluate&trained={first}")
    set_number(page, "Answers per prompt", "2")
    expect(page.get_by_text("0 optimizer steps, 48 answers")).to_be_visible()
    expect(page.get_by_text("--samples-per-prompt 2")).to_be_visible()
    expect(page.get_by_text(f"--trained-by {first}")).to_be_visible()
    again = launch(page)
    expect(heading(page, "^done in")).to_be_visible(timeout=LONG_MS)
    assert list(chain(house, again)) == ["score", "evaluate", "export"]
    page.get_by_text("Compare the results").click()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
    page.get_by_role("radio", name="all (16)").click()
    prompts = page.locator(".prompt")
    expect(prompts).to_have_count(10)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("button", name="Adapter of stage2")).to_be_visible()
