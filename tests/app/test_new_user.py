"""What a new user does first, on the real pairs where they are there, with pictures to look at."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect
from pyarrow import parquet

from grice_core.data.explore import conflict_counts
from grice_core.data.leakage import leaking
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.maxims import Maxim
from grice_core.store import data_sets
from tests.app.conftest import Picture, Server, free_port, serve
from tests.app.driving import open_page, settle, upload
from tests.app.gricebench import Gricebench

pytestmark = pytest.mark.stack


def test_the_first_minute_shows_what_this_is_and_the_two_things_to_do(
    page: Page, tmp_path: Path, picture: Picture
) -> None:
    for server in serve(tmp_path, free_port(), "app"):  # what `make run` starts
        open_page(page, server.url)
        expect(
            page.get_by_text("tunes a language model to be a cooperative speaker")
        ).to_be_visible()
        expect(page.get_by_role("button", name="Upload your own pairs")).to_be_visible()
        picture(page, "first-minute")

        page.get_by_role("button", name="Look at the demo's stages").click()
        expect(page.get_by_role("heading", name="Stages")).to_be_visible(timeout=240_000)
        expect(page.get_by_text("enough to train on")).to_have_count(2)
        settle(page)
        picture(page, "first-minute-stages")

        open_page(page, server.url)
        expect(page.get_by_role("link", name="Cut the stages of demo pairs")).to_be_visible()
        picture(page, "second-minute")


def test_a_file_is_uploaded_an_evaluation_set_added_and_both_recognised(
    fresh_server: Server, page: Page, files: Gricebench, pairs: PairTable, picture: Picture
) -> None:
    unscored = load_pairs(files.unscored).table
    num_leaking = int(leaking(unscored.prompts, pairs.prompts).sum())
    if files.is_real:
        assert (len(pairs), len(unscored), num_leaking) == (1_970, 385, 251)
    open_page(page, f"{fresh_server.url}/data")

    upload(page, files.scored)
    num = f"{len(pairs):,}"
    expect(page.get_by_text(f"{num} usable of {num} rows, all scored.")).to_be_visible()
    settle(page)
    picture(page, "upload")

    upload(page, files.unscored)
    num = f"{len(unscored):,}"
    expect(page.get_by_text(f"{num} usable of {num} rows, {num} unscored.")).to_be_visible()

    upload(page, files.scored)
    expect(page.get_by_text("Already stored as “scored_pairs.json”.")).to_be_visible()

    page.get_by_role("radio", name="Leakage").click()
    page.get_by_role("combobox", name="Evaluation set").click()
    page.get_by_role("option", name="unscored_pairs.json").click()
    expect(
        page.get_by_text(f"{num_leaking:,} share a prompt with the training data")
    ).to_be_visible()
    for way in ("leave them out of the evaluation", "leave them out of training", "keep them in"):
        expect(page.get_by_text(way)).to_be_visible()
    settle(page)
    picture(page, "upload-leakage")
    assert len(data_sets.page(fresh_server.studio.database)) == 2


def test_the_pairs_behind_a_bar_are_read_and_conflicts_found(
    bench_server: Server, page: Page, files: Gricebench, pairs: PairTable, picture: Picture
) -> None:
    open_page(page, f"{bench_server.url}/data?data=1&view=Distributions")
    low, count = bar_from(pairs.margins[:, Maxim.MANNER.column], 0.3)
    if files.is_real:
        assert low == 0.3

    point_at_bar(page, "manner", f"{low:.2f} to ")
    picture(page, "look-bar")
    page.mouse.down()
    page.mouse.up()

    expect(page.get_by_text(re.compile(rf"^{count:,} of {len(pairs):,} pairs?"))).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()
    settle(page)
    picture(page, "look-pairs")

    counts = conflict_counts(pairs.margins, 0.1)
    relation, manner = Maxim.RELATION.column, Maxim.MANNER.column
    both = int(counts[relation, manner]), int(counts[manner, relation])
    if files.is_real:
        assert both == (17, 6)
    page.get_by_role("radio", name="Conflicts").click()
    row = page.get_by_role("row", name=re.compile("^better on relation"))
    expect(row.get_by_role("cell").nth(4)).to_have_text(f"{both[0]}")
    row = page.get_by_role("row", name=re.compile("^better on manner"))
    expect(row.get_by_role("cell").nth(3)).to_have_text(f"{both[1]}")
    settle(page)
    picture(page, "look-conflicts")
    if both[0]:
        page.get_by_role("button", name="better on relation, worse on manner").click()
        expect(page.get_by_text(f"{both[0]} of {len(pairs):,} pair")).to_be_visible()


def bar_from(
    margins: "np.ndarray[tuple[int], np.dtype[np.float64]]", least: float
) -> tuple[float, int]:
    """The first bar of width 0.02 from here on that there is, and how many pairs it stands for."""
    edges = np.linspace(-1, 1, 101)
    counts = np.histogram(margins, edges)[0]
    bar = next(bar for bar in range(100) if edges[bar] > least - 1e-9 and counts[bar])
    return round(float(edges[bar]), 2), int(counts[bar])


def point_at_bar(page: Page, title: str, readout: str) -> None:
    """Move the mouse over a histogram until it tells of this bar."""
    frame = page.get_by_role("group", name=re.compile(f"^{title}"))
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    panel = page.locator("figure").filter(has=frame)
    for x in range(int(box["width"])):
        page.mouse.move(box["x"] + x + 0.5, box["y"] + box["height"] / 2)
        if panel.locator(".readout").inner_text().startswith(readout):
            return
    pytest.fail(f"no bar says {readout!r}")


def half_parquet(files: Gricebench) -> bytes:
    """What a download leaves that broke off: the pairs without the file's end, which tells where they are."""
    whole = io.BytesIO()
    parquet.write_table(pa.table({"prompt": load_pairs(files.scored).table.prompts}), whole)
    return whole.getvalue()[: whole.tell() // 2]


BROKEN: dict[str, Callable[[Gricebench], bytes]] = {
    "half.parquet": half_parquet,
    "header.csv": lambda _: b'"pro\rmpt",chosen,rejected\na,b,c\n',
    "empty.json": lambda _: b"",
    "half.json": lambda files: files.scored.read_bytes()[:30_000],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_a_sentence_and_nothing_is_stored(
    bench_server: Server, page: Page, files: Gricebench, tmp_path: Path, picture: Picture, name: str
) -> None:
    (tmp_path / name).write_bytes(BROKEN[name](files))
    before = len(data_sets.page(bench_server.studio.database))
    open_page(page, f"{bench_server.url}/data")

    upload(page, tmp_path / name)

    expect(page.get_by_text("Nothing was stored.")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(name)
    picture(page, f"broken-{name}")
    assert len(data_sets.page(bench_server.studio.database)) == before
