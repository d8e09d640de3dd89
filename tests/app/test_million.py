"""A million pairs: shared by all tabs, and no dearer after fifty moves."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.state.studio import Studio
from benchmarks.app import memory_mib, write_pairs
from grice_core.registry import Keeper
from grice_core.settings import Settings
from tests.app.conftest import Server, free_port, serve
from tests.app.driving import open_page, set_number, settle

pytestmark = pytest.mark.stack

NUM = 1_000_000
MARGIN_MIB = 100
"""A second copy of the pairs, with their texts, would take several times as much."""


@pytest.fixture(scope="module")
def large_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("large")
    studio = Studio.open(Settings(home=home))
    path = write_pairs(home / "million.parquet", NUM)
    Keeper(studio.database, studio.artifacts).keep_pairs(path, path.name)
    path.unlink()
    yield from serve(home, free_port(), "app.serve")


def test_a_million_pairs_are_browsed_searched_and_cut_in_three_tabs(
    large_server: Server, page: Page, picture: Callable[[Page, str], None]
) -> None:
    open_page(page, f"{large_server.url}/data?data=1&view=Pairs")
    expect(page.get_by_text("1,000,000 of 1,000,000 pairs")).to_be_visible()
    page.get_by_label("Search in prompts and responses").fill("Bridge 765432 is made")
    page.get_by_label("Search in prompts and responses").press("Enter")
    expect(page.get_by_text("1 of 1,000,000 pairs")).to_be_visible()
    picture(page, "million-pairs")

    open_page(page, f"{large_server.url}/stages?data=1")
    expect(page.get_by_text(re.compile(r"^keeps [\d,]+ of 1,000,000")).first).to_be_visible()
    move_manner(page, 0.31)
    before = memory_mib(served_by(large_server))
    for move in range(50):
        move_manner(page, 0.32 + 0.01 * (move % 40))
    picture(page, "million-stages")
    others = [page.context.new_page() for _ in range(2)]
    for other in others:
        open_page(other, f"{large_server.url}/stages?data=1")
        move_manner(other, 0.4)
    assert memory_mib(served_by(large_server)) < before + MARGIN_MIB
    for other in others:
        other.close()


def move_manner(page: Page, value: float) -> None:
    set_number(page, "manner >", f"{value:.2f}")
    expect(page.locator(".cut-label").get_by_text(f"{value:.2f}", exact=True)).to_be_visible()
    settle(page)


def served_by(server: Server) -> int:
    """The process that serves a home."""
    wanted = f"GRICE_HOME={server.home}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    return int(folder.name)
            except OSError:  # ended, or another's
                continue
    raise AssertionError("the dashboard has ended")
