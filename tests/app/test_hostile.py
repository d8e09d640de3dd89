"""Whatever texts and names strangers bring, the pages show them as they are, and nothing else happens."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from app.state.studio import Studio
from app.ui.pair_texts import MAX_CHARACTERS
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.settings import Settings
from grice_core.store import data_sets, recipes
from tests.app.conftest import Picture, Server, free_port, serve
from tests.app.driving import open_page
from tests.app.samples import pair_rows
from tests.detector import tiny

pytestmark = pytest.mark.stack

NAME = (
    "<b>x</b> <img src=x onerror=alert(1)> **bold** ![i](http://example.com/i.png) `c` "
    "www.example.com me@example.com \u202etfel"
)
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "**bold** [link](http://example.com) ![i](http://example.com/i.png) $x^2$ :red[red] # head",
    "\u202eright to left\u202c and \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 mixed",
    "zero\u200bwidth \u200d\u2060\ufeff joined e\u0301\u0301\u0301\u0301",
    "x" * 100_000,
    "🦄👩‍👩‍👧‍👦🏴‍☠️ " * 20,
    "</div></textarea>\"'>${7*7}{{7*7}}<svg onload=alert(1)>",
    "tab\tnew\nline\r\nreturn\x0bvertical\x1b[31mred",
)

LINKS = (
    "",
    "data?data=1",
    "data?data=1&view=Pairs",
    "data?data=1&view=Pairs&pair=5",
    "data?data=1&view=Distributions",
    "data?data=1&view=Repetitions",
    "data?data=1&view=Leakage&eval=2",
    "stages?data=1&eval=2&recipe=1",
    "detector?detector=1",
    "detector?detector=1&detector_view=Score",
    "detector?detector=1&detector_view=Compare&against=2",
)


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Data sets (1 scored, 2 not), a recipe and two detectors that are called and hold such things."""
    home = tmp_path_factory.mktemp("hostile")
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    rows = pair_rows(240, seed=15)
    for index, row in enumerate(rows):
        text = HOSTILE[index % len(HOSTILE)]
        row |= {"prompt": f"{text} {index // 16}", "chosen": f"{text} {index}", "rejected": text}
    (home / "scored.json").write_text(json.dumps(rows))
    bare = [{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in rows[:40]]
    (home / "bare.json").write_text(json.dumps(bare))
    for name in ("scored.json", "bare.json"):
        kept = keeper.keep_pairs(home / name, name)
        data_sets.rename(studio.database, kept.id, f"{NAME} {name}")
    recipe = load_recipe("content-then-manner")
    recipes.save(studio.database, NAME, recipe.model_dump(mode="json"))
    for number, architecture in enumerate((tiny.ONE_PER_HEAD, tiny.TWO_PER_HEAD)):
        folder = home / f"{number} <b>x<{chr(0x2044)}b> **bold** ![i](http:example.com)"
        keeper.keep_detector(tiny.write_heads(folder, architecture, origin=NAME))
    yield from serve(home, free_port(), "app.serve")


@pytest.fixture
def faults(page: Page) -> list[str]:
    """Whatever shows that a text was more than a text."""
    found: list[str] = []

    def close(dialog: Dialog) -> None:
        found.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize("link", LINKS)
def test_hostile_texts_and_names_are_texts_and_names(
    hostile_server: Server, page: Page, faults: list[str], picture: Picture, link: str
) -> None:
    open_page(page, f"{hostile_server.url}/{link}")

    expect_only_text(page, faults)
    picture(page, f"hostile-{LINKS.index(link)}")


def test_hostile_texts_at_the_border_of_a_stage(
    hostile_server: Server, page: Page, faults: list[str], picture: Picture
) -> None:
    open_page(page, f"{hostile_server.url}/stages?data=1")

    page.get_by_text("Borderline pairs of Stage 1").click()

    expect(page.get_by_text("just dropped")).to_be_visible()
    expect_only_text(page, faults)
    picture(page, "hostile-border")


def test_each_hostile_text_is_read_as_it_was_written(hostile_server: Server, page: Page) -> None:
    for row, text in enumerate(HOSTILE, start=1):
        open_page(page, f"{hostile_server.url}/data?data=1&view=Pairs&rows={row}")
        expect(page.get_by_text("1 of 240 pairs")).to_be_visible()
        shown = page.locator(".text").nth(1)  # below the prompt
        expect(shown).to_be_visible()
        begun = _lines(f"{text} {row - 1}")[:MAX_CHARACTERS]
        read = _lines(str(shown.evaluate("node => node.textContent")))
        assert read.startswith(begun)
        assert len(read) < len(begun) + 40  # and how many characters more there are


def _lines(text: str) -> str:
    """A browser may end lines its own way."""
    return text.replace("\r\n", "\n")


def test_hostile_links_open_calmly(hostile_server: Server, page: Page, faults: list[str]) -> None:
    evil = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%00%E2%80%AE**b**"
    for link in (
        f"data?data={evil}&view={evil}&q={evil}&order={evil}&margin={evil}&rows={evil}&page=-3",
        f"data?data=1&view=Pairs&margin=manner:nan:inf&rows=99999999999999999999&problem={evil}",
        f"stages?data=1&recipe={evil}&set={evil}&stage={evil}&eval={evil}&leakage={evil}",
        f"detector?detector={evil}&detector_view={evil}&against={evil}",
    ):
        open_page(page, f"{hostile_server.url}/{link}")
        expect_only_text(page, faults)


def expect_only_text(page: Page, faults: list[str]) -> None:
    """Nothing was run, drawn, linked or fetched; nothing broke; nothing runs out of the page."""
    expect(page.get_by_text("because of a bug")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    for foreign in ("img[src=x]", "svg[onload]", "a[href*='example.com']", "main b"):
        expect(page.locator(foreign)).to_have_count(0)
    expect(
        page.get_by_test_id("stMain").locator("strong").get_by_text(re.compile("^bold$"))
    ).to_have_count(0)
    assert faults == []
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) <= 0
