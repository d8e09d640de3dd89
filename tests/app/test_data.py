"""Bringing pairs in and looking at them, through the browser."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from app.state.open_data import open_pairs
from grice_core.curating import curation_of
from grice_core.maxims import Maxim
from grice_core.registry import Keeper
from grice_core.store import data_sets
from tests.app.conftest import Picture, Server, free_port, serve
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
    expect(page.get_by_text("Already stored as “fresh.json”.")).to_be_visible()


def test_bad_rows_are_told_with_their_numbers_and_the_others_used_when_somebody_says_so(
    server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    rows = pair_rows(40, seed=8)
    rows[11]["chosen_scores"]["quantity"] = 1.7
    rows[29]["rejected_scores"]["manner"] = float("nan")
    path = tmp_path / "some-bad.json"
    path.write_text(json.dumps(rows))
    before = len(data_sets.page(server.studio.database))
    open_page(page, f"{server.url}/data?data=1")

    upload(page, path)

    expect(page.get_by_text("2 of 40 rows of some-bad.json can't be used.")).to_be_visible()
    expect_the_bad_rows(page, rows[11])
    settle(page)
    picture(page, "broken-scores")
    assert len(data_sets.page(server.studio.database)) == before  # nothing is stored

    page.get_by_role("button", name="Use the 38 usable rows").click()
    expect(page.get_by_text("Stored 38 of 40 rows.")).to_be_visible()
    expect(page.get_by_text("38 usable of 40 rows, all scored.")).to_be_visible()
    expect_the_bad_rows(page, rows[11])


def expect_the_bad_rows(page: Page, first: dict[str, object]) -> None:
    """Each problem with its row and what to do, and the rows themselves to be had."""
    expect(page.get_by_text("A score lies outside [0, 1].")).to_be_visible()
    expect(page.get_by_text("Give violation probabilities")).to_be_visible()
    expect(page.get_by_text("row 12", exact=True)).to_be_visible()
    expect(page.get_by_text("row 30", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all 2").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [12, 30]
    assert json.loads(json.loads(lines[0])["content"]) == first


def test_a_file_that_waits_for_a_decision_survives_pages_and_sessions_until_it_is_discarded(
    server: Server, page: Page, tmp_path: Path
) -> None:
    rows = pair_rows(5, seed=14)
    rows[2]["chosen"] = ""
    path = tmp_path / "one-bad.json"
    path.write_text(json.dumps(rows))
    open_page(page, f"{server.url}/data?data=1")
    upload(page, path)
    expect(page.get_by_text("1 of 5 rows of one-bad.json can't be used.")).to_be_visible()

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Overview").click()
    expect(page.get_by_text("Some rows of one-bad.json can't be used: decide.")).to_be_visible()
    page.get_by_role("link", name="Use the rest of it, or discard it").click()
    expect(page.get_by_text("1 of 5 rows of one-bad.json can't be used.")).to_be_visible()
    open_page(page, f"{server.url}/data?data=1")  # another session
    expect(page.get_by_role("button", name="Use the 4 usable rows")).to_be_visible()

    page.get_by_role("button", name="Discard the file").click()

    expect(page.get_by_text("can't be used")).to_have_count(0)
    expect(page.get_by_role("button", name="Use the 4 usable rows")).to_have_count(0)


def test_a_file_over_the_limit_is_refused_with_the_way_beyond_it(
    page: Page, tmp_path: Path, picture: Picture
) -> None:
    large = write_pairs_file(tmp_path / "large.json", num=5_000)
    assert large.stat().st_size > 1024**2
    for server in serve(tmp_path, free_port(), "app.serve", STREAMLIT_SERVER_MAX_UPLOAD_SIZE="1"):
        open_page(page, f"{server.url}/data")
        upload(page, large)
        expect(page.get_by_text("File must be 1.0MB or smaller")).to_be_visible()
        expect(page.get_by_text("Up to 1 MB. Larger files")).to_be_visible()
        picture(page, "over-the-limit")
        assert not data_sets.page(server.studio.database)


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
    for text in (page.locator(".text").nth(0), page.locator(".text").nth(1)):  # prompt, chosen
        expect(text).to_contain_text("**bold** [link](http://example.com) $x$ :red[red]")
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_words_find_pairs_and_the_link_keeps_them(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Pairs")

    page.get_by_label("Search in prompts and responses").fill("Bridge 123 is made")
    page.get_by_label("Search in prompts and responses").press("Enter")

    expect(page.get_by_text("1 of 400 pairs")).to_be_visible()
    expect(page.get_by_text("Row 124")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 of 400 pairs")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this").click()
    (line,) = download.value.path().read_text(encoding="utf-8").splitlines()
    assert "Bridge 123 is made" in json.loads(line)["chosen"]


def test_leaking_prompts_are_counted_and_the_choice_travels(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Leakage&eval=2")

    expect(page.get_by_text("12 share a prompt with the training data")).to_be_visible()
    page.get_by_text("Leave them out of training").click()
    expect(page).to_have_url(re.compile("leakage=drop-train"))


def test_prompts_that_are_nearly_trained_on_are_shown_beside_their_like(
    server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    prompt = " ".join(f"word{number}" for number in range(40))
    rows = [pair | {"prompt": prompt} for pair in pair_rows(1, seed=9)]
    near = [row | {"prompt": prompt.replace("word20", "another")} for row in rows]
    keeper = Keeper(server.studio.database, server.studio.artifacts)
    ids = []
    for name, content in (("long.json", rows), ("nearly long.json", near)):
        (tmp_path / name).write_text(json.dumps(content))
        ids.append(keeper.keep_pairs(tmp_path / name, name).id)

    open_page(page, f"{server.url}/data?data={ids[0]}&view=Leakage&eval={ids[1]}")

    expect(page.get_by_text("No prompt appears in both.")).to_be_visible()
    expect(page.get_by_text("1 more row with a prompt that is nearly one of")).to_be_visible()
    expect(page.get_by_text("another", exact=True)).to_be_visible()  # what differs is marked
    settle(page)
    picture(page, "near-duplicates")


def test_the_pair_behind_a_point_is_opened(server: Server, page: Page) -> None:
    table = open_pairs(
        server.studio, data_sets.get(server.studio.database, 1).artifact_sha256
    ).table
    farthest = int(table.margins[:, Maxim.MANNER.column].argmax())
    open_page(page, f"{server.url}/data?data=1&view=Distributions")

    points = page.locator(".scatterlayer path.point")
    expect(points).to_have_count(len(table))
    points.nth(farthest).scroll_into_view_if_needed()
    box = points.nth(farthest).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.down()
    page.mouse.up()

    expect(page.get_by_text(f"1 of {len(table)} pairs")).to_be_visible()
    expect(page.get_by_text(f"Row {table.rows[farthest]} ")).to_be_visible()
    page.go_back()
    expect(points).to_have_count(len(table))


def test_the_pairs_behind_a_bar_are_shown(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Distributions")

    page.get_by_role("group", name=re.compile("^manner")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("margin=manner"))
    expect(page.get_by_text(re.compile(r"^\d+ of 400 pairs"))).to_be_visible()


def test_a_data_set_is_called_something_else_and_thrown_away(
    server: Server, page: Page, tmp_path: Path
) -> None:
    open_page(page, f"{server.url}/data")
    upload(page, write_pairs_file(tmp_path / "passing.json", num=20, seed=11))
    expect(page.get_by_text("20 usable of 20 rows, all scored.")).to_be_visible()

    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("my 20 pairs")
    dialog.get_by_label("Name").press("Enter")
    dialog.get_by_role("button", name="Rename").click()
    field = page.get_by_role("combobox", name="Data set")
    expect(field).to_have_value("my 20 pairs (20 pairs)")

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("will be deleted permanently")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(field).not_to_have_value("my 20 pairs (20 pairs)")
    names = [one.name for one in data_sets.page(server.studio.database)]
    assert "my 20 pairs" not in names


def test_data_that_a_pipeline_uses_are_not_thrown_away(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/data?data=1")

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("is used by")
    assert data_sets.get(busy_server.studio.database, 1)


def test_files_of_the_import_folder_are_imported(page: Page, tmp_path: Path) -> None:
    folder, home = tmp_path / "import", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    write_pairs_file(folder / "large.json", num=30, seed=12)
    write_pairs_file(tmp_path / "outside.json", num=30, seed=13)
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    for server in serve(home, free_port(), "app.serve", GRICE_IMPORT_DIR=str(folder)):
        open_page(page, f"{server.url}/data")
        page.get_by_role("combobox", name="Import from the server").click()
        expect(page.get_by_role("option")).to_have_count(1)
        page.get_by_role("option", name="large.json").click()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("30 usable of 30 rows, all scored.")).to_be_visible()


def test_folders_and_allowed_addresses_are_read(
    page: Page, tmp_path: Path, picture: Picture
) -> None:
    shards, elsewhere, home = (tmp_path / name for name in ("import/shards", "elsewhere", "home"))
    for folder in (shards, elsewhere, home):
        folder.mkdir(parents=True)
    for number in (0, 1):
        name = f"train-0000{number}-of-00002.json"
        write_pairs_file(shards / name, num=15, seed=20 + number)
    write_pairs_file(elsewhere / "far.json", num=12, seed=22)
    with files_server(elsewhere) as url:
        allowed = json.dumps([url, "hf://datasets/"])
        settings = {"GRICE_IMPORT_DIR": str(tmp_path / "import"), "GRICE_DATA_ADDRESSES": allowed}
        for server in serve(home, free_port(), "app.serve", **settings):
            open_page(page, f"{server.url}/data")
            for scheme, width in (("light", 1280), ("dark", 390)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 900})
                settle(page)
                picture(page, f"data-address-{scheme}-{width}")
            page.set_viewport_size({"width": 1280, "height": 900})

            page.get_by_role("combobox", name="Import from the server").click()
            page.get_by_role("option", name="shards/", exact=True).click()
            page.get_by_role("button", name="Import", exact=True).click()
            expect(page.get_by_text("30 usable of 30 rows, all scored.")).to_be_visible()

            read_address(page, "file:///etc/passwd")
            expect(page.get_by_role("alert")).to_contain_text("can't be read from here")

            read_address(page, f"{url}/far.json")
            expect(page.get_by_text("12 usable of 12 rows, all scored.")).to_be_visible()


def read_address(page: Page, address: str) -> None:
    settle(page)  # with the first data set the form moves into a drawer
    field = page.get_by_role("textbox", name="Read from an address")
    if not field.is_visible():
        page.get_by_text("Add pairs").click()
    field.fill(address)
    page.get_by_role("button", name="Read", exact=True).click()


@contextmanager
def files_server(folder: Path) -> Iterator[str]:
    """The files of a folder at an address, as long as it is needed."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pairs_are_ordered_and_the_link_says_how(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Pairs&order=manner&desc=true")
    table = open_pairs(
        server.studio, data_sets.get(server.studio.database, 1).artifact_sha256
    ).table
    most = table.rows[table.margins[:, Maxim.MANNER.column].argmax()]
    expect(page.get_by_text(f"Row {most}", exact=False).first).to_be_visible()

    page.get_by_text("Descending").click()
    least = table.rows[table.margins[:, Maxim.MANNER.column].argmin()]
    expect(page.get_by_text(f"Row {least}", exact=False).first).to_be_visible()
    page.reload()
    expect(page.get_by_text(f"Row {least}", exact=False).first).to_be_visible()


def test_the_table_marks_hits_and_leads_to_a_pair_by_key(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/data?data=1&view=Pairs&q=cat likes")
    expect(page.locator("mark", has_text="cat likes").first).to_be_visible()
    second = page.get_by_role("row", name="Row 2", exact=True)
    expect(second).to_contain_text("Bridge 1 is made of steel")
    expect(second).not_to_contain_text("We talked about bridge")  # as all prompts begin
    page.get_by_role("row", name="Row 1", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("pair=2"))
    expect(second).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")  # the keyboard stays where it was
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("pair=3"))
    page.go_back()
    expect(second).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("Row 2 —")).to_be_visible()


def test_a_count_shows_its_pairs(server: Server, page: Page) -> None:
    table = open_pairs(
        server.studio, data_sets.get(server.studio.database, 1).artifact_sha256
    ).table
    num = int((table.margins[:, Maxim.MANNER.column] > 0.1).sum())
    open_page(page, f"{server.url}/data?data=1&view=Pairs")
    page.get_by_role("button", name=f"manner better · {num}").click()
    expect(page.get_by_text(f"{num} of 400 pairs")).to_be_visible()


def test_pairs_are_excluded_into_a_new_version_and_come_back(
    fresh_server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    studio = fresh_server.studio
    path = write_pairs_file(tmp_path / "mine.json", num=20)
    Keeper(studio.database, studio.artifacts).keep_pairs(path, path.name)
    open_page(page, f"{fresh_server.url}/data?data=1&view=Pairs&pair=3")
    page.get_by_role("button", name="Exclude this pair").click()
    expect(page.get_by_role("row", name="Row 3, marked for exclusion")).to_be_visible()
    page.get_by_role("row", name="Row 5", exact=True).click()
    page.get_by_role("button", name="Exclude this pair").click()
    expect(page.get_by_text("2 pairs marked for exclusion")).to_be_visible()
    settle(page)
    picture(page, "pairs-marked")
    page.get_by_role("button", name="Save as a new version").click()

    expect(page.get_by_text("18 usable of 18 rows, all scored.")).to_be_visible()
    expect(page.get_by_text("Version 2, made from “mine.json”: 2 pairs")).to_be_visible()
    made = data_sets.page(studio.database)[0]
    assert made.name == "mine v2.json"
    assert curation_of(made).reasons[3].reason == "wrong preference"

    page.get_by_role("radio", name="Excluded").click()
    settle(page)
    picture(page, "pairs-excluded")
    page.get_by_role("button", name="Restore all 2").click()
    expect(page.get_by_text("20 usable of 20 rows, all scored.")).to_be_visible()
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("mine.json (20 pairs)")
