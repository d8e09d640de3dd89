"""The same pages in two tabs: neither gets in the other's way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.registry import Keeper
from grice_core.store import data_sets, detectors, runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind
from tests.app.conftest import Server
from tests.app.driving import open_page, set_number, settle, upload
from tests.app.samples import write_pairs_file, write_unscored_file
from tests.detector import tiny

pytestmark = pytest.mark.stack


@pytest.fixture
def other(page: Page) -> Iterator[Page]:
    """A second tab of the same browser."""
    tab = page.context.new_page()
    yield tab
    tab.close()


def test_a_data_set_deleted_in_one_tab_is_gone_from_the_other(
    fresh_server: Server, page: Page, other: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    keeper = Keeper(studio.database, studio.artifacts)
    for name, seed in (("first.json", 1), ("second.json", 2)):
        keeper.keep_pairs(write_pairs_file(tmp_path / name, num=30, seed=seed), name)
    for tab in (page, other):
        open_page(tab, f"{fresh_server.url}/data?data=2&view=Pairs")

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("first.json (30 pairs)")

    gone = other.get_by_role("alert").filter(has_text="Data set 2 is not here")
    other.get_by_role("radio", name="Conflicts").click()
    expect(gone).to_be_visible()
    expect(other.get_by_role("combobox", name="Data set")).to_have_value("")
    open_page(other, f"{fresh_server.url}/stages?data=2")
    expect(gone).to_be_visible()


def test_the_last_data_set_deleted_elsewhere_leaves_the_way_to_begin(
    fresh_server: Server, page: Page, other: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    path = write_pairs_file(tmp_path / "only.json", num=300)
    kept = Keeper(studio.database, studio.artifacts).keep_pairs(path, path.name)
    open_page(page, f"{fresh_server.url}/stages?data={kept.id}")
    open_page(other, f"{fresh_server.url}/data?data={kept.id}")
    data_sets.remove(studio.database, kept.id)

    # What is on the screen keeps working, as it was opened; a new page says what to do.
    set_number(page, "manner >", "0.05")
    expect(page.locator(".cut-label").get_by_text("0.05", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Upload your own pairs")).to_be_visible()
    other.get_by_role("radio", name="Pairs").click()
    expect(other.get_by_text("Upload pairs")).to_be_visible()


def test_the_same_file_uploaded_in_both_tabs_is_one_data_set(
    server: Server, page: Page, other: Page, tmp_path: Path
) -> None:
    path = write_pairs_file(tmp_path / "twice.json", num=60, seed=21)
    for tab in (page, other):
        open_page(tab, f"{server.url}/data?data=1")
    before = len(data_sets.page(server.studio.database))

    upload(page, path)
    upload(other, path)

    for tab in (page, other):
        expect(tab.get_by_text("60 usable of 60 rows, all scored.")).to_be_visible()
    assert len(data_sets.page(server.studio.database)) == before + 1


def test_a_data_set_renamed_in_one_tab_is_still_the_one_looked_at_in_the_other(
    fresh_server: Server, page: Page, other: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    keeper = Keeper(studio.database, studio.artifacts)
    for seed in (1, 2):  # both called the same
        keeper.keep_pairs(write_pairs_file(tmp_path / "same.json", num=30, seed=seed), "same.json")
    field = other.get_by_role("combobox", name="Data set")
    for tab in (page, other):
        open_page(tab, f"{fresh_server.url}/data?data=1&view=Report")
    expect(field).to_have_value("same.json (30 pairs) · no. 1")

    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("mine")
    page.get_by_role("dialog").get_by_label("Name").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("mine (30 pairs)")

    other.get_by_role("radio", name="Pairs").click()
    expect(field).to_have_value("mine (30 pairs)")
    expect(other).to_have_url(re.compile(r"data=1\b"))


def test_each_tab_has_its_own_cut_and_its_own_undo(server: Server, page: Page, other: Page) -> None:
    for tab in (page, other):
        open_page(tab, f"{server.url}/stages?data=1")

    set_number(page, "manner >", "0.05")
    expect(page.locator(".cut-label").get_by_text("0.05", exact=True)).to_be_visible()
    set_number(other, "manner >", "0.41")
    expect(other.locator(".cut-label").get_by_text("0.41", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()

    expect(page.locator(".cut-label").get_by_text("0.05", exact=True)).to_have_count(0)
    settle(other)
    expect(other.locator(".cut-label").get_by_text("0.41", exact=True)).to_be_visible()
    expect(page).not_to_have_url(re.compile("set="))
    expect(other).to_have_url(re.compile(r"manner\.above%3D0\.41"))


def test_scoring_asked_for_in_both_tabs_is_one_run(
    fresh_server: Server, page: Page, other: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_pairs(write_unscored_file(tmp_path / "bare.json"), "bare.json")
    keeper.keep_detector(tiny.write_heads(tmp_path / "judge"))
    for tab in (page, other):
        open_page(tab, f"{fresh_server.url}/detector?detector=1&detector_view=Score&data=1")

    for tab in (page, other):
        tab.get_by_role("button", name="Score 20 pairs").click()
    for tab in (page, other):
        expect(tab.get_by_text("bare.json")).not_to_have_count(0)
        expect(tab.get_by_role("heading", name="Runs")).to_be_visible()

    assert len(runs.page(studio.database, RunFilter(kinds=(RunKind.SCORE_DATA,)))) == 1


def test_the_demo_opened_in_both_tabs_is_one_project(
    fresh_server: Server, page: Page, other: Page
) -> None:
    for tab in (page, other):
        open_page(tab, fresh_server.url)

    for tab in (page, other):
        tab.get_by_role("button", name="Look at the demo's stages").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="Stages")).to_be_visible(timeout=240_000)
        expect(tab.get_by_text("enough to train on").first).to_be_visible()

    names = sorted(one.name for one in data_sets.page(fresh_server.studio.database))
    assert names == ["demo pairs", "demo prompts"]
    assert len({one.artifact_sha256 for one in detectors.page(fresh_server.studio.database)}) == 1
