"""Bringing pairs in and looking at them, through the browser."""

import gzip
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import data_sets
from tests.app.conftest import Server
from tests.app.driving import open_page, settle, upload
from tests.app.samples import pair_rows, write_pairs_file

pytestmark = pytest.mark.stack

HOSTILE = (
    "<img src=x onerror=alert(1)> **bold** [link](http://example.com) $x$ :red[red] "
    "\u202eright to left\u202c zero\u200bwidth 🦄"
)


def test_an_upload_is_checked_and_the_same_file_recognised(
    server: Server, page: Page, tmp_path: Path
) -> None:
    path = write_pairs_file(tmp_path / "fresh.json", num=30, seed=7)
    open_page(page, f"{server.url}/data")

    upload(page, path)
    expect(page.get_by_text("30 usable of 30 rows, all scored.")).to_be_visible()

    upload(page, path)
    expect(page.get_by_text("You have this already, as “fresh.json”.")).to_be_visible()


def test_bad_rows_are_told_with_their_numbers(server: Server, page: Page, tmp_path: Path) -> None:
    rows = pair_rows(40, seed=8)
    rows[11]["chosen_scores"]["quantity"] = 1.7
    rows[29]["rejected_scores"]["manner"] = float("nan")
    path = tmp_path / "some-bad.json"
    path.write_text(json.dumps(rows))
    open_page(page, f"{server.url}/data")

    upload(page, path)

    expect(page.get_by_text("38 usable of 40 rows")).to_be_visible()
    expect(page.get_by_text("A score lies outside [0, 1].")).to_be_visible()
    expect(page.get_by_text("rows 12", exact=True)).to_be_visible()
    expect(page.get_by_text("rows 30", exact=True)).to_be_visible()

    page.get_by_text("2 rows that can't be used").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all 2").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [12, 30]
    assert json.loads(json.loads(lines[0])["content"]) == rows[11]


def test_a_bomb_of_five_gigabytes_gets_a_sentence_and_nothing_is_stored(
    server: Server, page: Page, tmp_path: Path
) -> None:
    before = len(data_sets.page(server.studio.database))
    path = tmp_path / "bomb.json.gz"
    block = gzip.compress(bytes(64 * 1024**2))
    path.write_bytes(gzip.compress(b'[{"prompt": "') + 80 * block)
    open_page(page, f"{server.url}/data")

    upload(page, path)

    expect(page.get_by_text("Nothing was stored.")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("bomb.json.gz")
    assert len(data_sets.page(server.studio.database)) == before


def test_hostile_texts_are_shown_as_they_are(server: Server, page: Page, tmp_path: Path) -> None:
    rows = pair_rows(3, seed=9)
    rows[0] |= {"prompt": HOSTILE, "chosen": HOSTILE, "rejected": "x" * 100_000}
    path = tmp_path / "**hostile**.json"
    path.write_text(json.dumps(rows))
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    open_page(page, f"{server.url}/data?view=Pairs")

    upload(page, path)

    expect(page.get_by_text("Row 1", exact=False).first).to_be_visible()
    settle(page)
    shown = page.get_by_text("**bold** [link](http://example.com) $x$ :red[red]")
    expect(shown.first).to_be_visible()
    expect(shown.nth(1)).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_words_find_pairs_and_the_link_keeps_them(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Pairs")

    page.get_by_label("Search in prompts and responses").fill("Bridge 123 is made")
    page.get_by_label("Search in prompts and responses").press("Enter")

    expect(page.get_by_text("1 of 400 pairs")).to_be_visible()
    expect(page.get_by_text("Row 124")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 of 400 pairs")).to_be_visible()


def test_leaking_prompts_are_counted_and_the_choice_travels(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Leakage&eval=2")

    expect(page.get_by_text("12 share a prompt with the training data")).to_be_visible()
    page.get_by_text("Leave them out of training").click()
    expect(page).to_have_url(re.compile("leakage=drop-train"))


def test_the_pairs_behind_a_bar_are_shown(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Distributions")

    page.get_by_role("group", name=re.compile("^manner")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("margin=manner"))
    expect(page.get_by_text(re.compile(r"^\d+ of 400 pairs"))).to_be_visible()
