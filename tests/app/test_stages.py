"""Cutting stages: what a threshold does is seen at once, can be undone, and travels in the link."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.state.open_data import open_pairs
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.store import data_sets
from tests.app.conftest import Server
from tests.app.driving import open_page, set_number

pytestmark = pytest.mark.stack


def kept_by(server: Server, *overrides: str) -> list[int]:
    """What each stage keeps of data set 1, according to the core."""
    data = data_sets.get(server.studio.database, 1)
    table = open_pairs(server.studio, data.artifact_sha256).table
    recipe = load_recipe("content-then-manner", overrides)
    return [stage.filtered.num_kept for stage in plan_stages(recipe, table, seed=0)]


def expect_kept(page: Page, counts: list[int]) -> None:
    for count in counts:
        expect(page.get_by_text(re.compile(rf"^keeps {count:,} of 400"))).to_be_visible()


def test_a_moved_threshold_changes_everything_can_be_undone_and_shared(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    expect_kept(page, kept_by(server))

    set_number(page, "manner >", "0.05")

    changed = kept_by(server, "stage2.filter.manner.above=0.05")
    assert changed != kept_by(server)
    expect_kept(page, changed)
    expect(page.locator(".cut-label").get_by_text("0.05", exact=True)).to_be_visible()
    expect(page.locator(".last").nth(1)).to_contain_text(f"{changed[1]}")
    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.05"))

    other_tab = page.context.new_page()
    open_page(other_tab, page.url)
    expect_kept(other_tab, changed)
    other_tab.close()

    page.get_by_role("button", name="Undo").click()
    expect_kept(page, kept_by(server))
    expect(page).not_to_have_url(re.compile("set="))


def test_a_reload_keeps_the_cut_and_back_returns_to_the_one_before(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    set_number(page, "quantity + relation >", "0.6")
    changed = kept_by(server, "stage1.filter.sum too small.above=0.6")
    expect_kept(page, changed)

    page.reload()
    expect_kept(page, changed)

    page.go_back()
    expect_kept(page, kept_by(server))


def test_a_stage_that_keeps_too_little_says_which_threshold_to_move(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.95")

    expect(page.get_by_text("training would be refused")).to_be_visible()
    advice = page.get_by_text(re.compile(r"Move manner alone, from 0\.95 to"))
    expect(advice).to_be_visible()
    page.get_by_role("button", name=re.compile(r"→ 1\d\d$")).click()
    expect(page.get_by_text("training would be refused")).to_have_count(0)


def test_thresholds_that_keep_at_least_so_many_are_found(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")

    page.get_by_role("button", name="Keep at least").nth(1).click()
    set_number(page, "Pairs to keep", "100")
    page.get_by_role("button", name=re.compile("Only manner")).click()

    shown = page.get_by_text(re.compile("^keeps")).nth(1)
    expect(shown).to_have_text(re.compile(r"^keeps [1-3]\d\d of 400"))


def test_a_saved_cut_is_a_new_version_that_the_link_names(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.3")

    page.get_by_role("button", name="Save as").click()
    page.get_by_role("dialog").get_by_label("Name").fill("my-recipe")
    page.get_by_role("dialog").get_by_label("Name").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()

    expect(page).to_have_url(re.compile(r"recipe=\d+"))
    expect(page.get_by_role("combobox", name="Recipe")).to_have_value("my-recipe v1")
    expect_kept(page, kept_by(server, "stage2.filter.manner.above=0.3"))


def test_the_pairs_behind_a_bar_are_a_click_away(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")

    frame = page.get_by_role("group", name=re.compile("^manner")).last
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/data\?.*margin=manner"))
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_leaking_pairs_can_be_left_out_of_training(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&eval=2")
    expect(page.get_by_text("12 share a prompt with the training data")).to_be_visible()

    page.get_by_text("leave them out of training").click()

    expect(page.get_by_role("row", name=re.compile("leaks into evaluation")).first).to_be_visible()
    expect(page).to_have_url(re.compile("leakage=drop-train"))


def test_one_stage_can_be_looked_at_alone(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    expect(page.get_by_text(re.compile("^keeps"))).to_have_count(2)

    page.get_by_role("radio", name="Stage 2").click()

    expect(page.get_by_text(re.compile("^keeps"))).to_have_count(1)
    expect(page.get_by_role("spinbutton", name="manner >")).to_be_visible()


def test_the_cut_is_launched_as_it_is(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.3")

    page.get_by_role("link", name="Launch with these stages").click()

    expect(page.get_by_role("heading", name="Launch")).to_be_visible()
    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.3"))


def test_without_data_the_page_says_where_to_begin(empty_server: Server, page: Page) -> None:
    open_page(page, f"{empty_server.url}/stages")

    page.get_by_role("link", name="Upload your own pairs").click()
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_unscored_data_lead_to_a_detector(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=2")

    expect(page.get_by_text("None of the 20 pairs is scored")).to_be_visible()
