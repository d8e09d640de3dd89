"""Every page can be read by everybody: no serious fault that axe-core knows, and pictures to look at.

The pictures are made in light and dark, wide and narrow; `GRICE_SCREENSHOTS` says where they go.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.state.studio import Studio
from grice_core.demo.project import demo_models
from grice_core.registry import Keeper
from grice_core.settings import Settings
from tests.app.conftest import PATIENCE_MS, Server, free_port, serve
from tests.app.driving import assert_nothing_serious, open_page, sideways
from tests.app.samples import pair_rows

pytestmark = pytest.mark.stack

PAGES = {
    "overview": "",
    "report": "data?data=1",
    "pairs": "data?data=1&view=Pairs",
    "distributions": "data?data=1&view=Distributions",
    "conflicts": "data?data=1&view=Conflicts",
    "duplicates": "data?data=1&view=Duplicates",
    "leakage": "data?data=1&view=Leakage&eval=2",
    "stages": "stages?data=1&eval=2",
    "detector": "detector",
    "launch": "launch?data=1",
    "sweep": "sweep?data=1",
    "runs": "runs",
    "system": "system",
}

BUSY_PAGES = {
    "compare": "compare?pipeline=1&against=2",
    "thresholds": "compare?pipeline=1&at=0.3,0.5,0.5,0.5",
    "blind": "compare?pipeline=1&view=Judge+blindly",
    "changes": "compare?pipeline=1&view=Changes",
    "texts": "compare?pipeline=1&view=Length+and+diversity",
    "trade-offs": "compare?pipeline=1&view=Trade-offs",
    "models": "compare?pipeline=1&view=Models",
    "playground": "playground?pipeline=1",
    "running": "runs?pipeline=3&over=1",
    "kept-step": "runs?pipeline=1&run=2&answers_at=40",
    "waiting": "runs?pipeline=4",
    "launched": "launch",
}
"""Those that need pipelines."""

JUDGE_PAGES = {
    "detector-card": "detector?detector=1",
    "detector-score": "detector?detector=1&detector_view=Score",
    "detector-try": "detector?detector=1&detector_view=Try+by+hand",
    "detector-evaluate": "detector?detector=1&detector_view=Evaluate",
    "detector-make": "detector?detector=1&detector_view=Make",
    "report-bad": "data?data=1",
}
"""Those that need a detector, or a file with unusable rows."""


@pytest.fixture(scope="module")
def judge_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with the demo's detector, and a file of which two rows can't be used."""
    home = tmp_path_factory.mktemp("judge")
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_detector(demo_models().detector)
    rows = pair_rows(40, seed=8)
    rows[11]["chosen_scores"]["quantity"] = 1.7
    del rows[29]["chosen_scores"]
    (home / "some.json").write_text(json.dumps(rows))
    keeper.keep_pairs(home / "some.json", "some.json")
    yield from serve(home, free_port(), "app.serve")


@pytest.fixture(scope="module", params=["light 1280", "dark 1280", "light 390", "dark 390"])
def look(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[str, Page]]:
    """A browser that likes light or dark, on a wide or a narrow screen."""
    scheme, width = request.param.split()
    context = browser.new_context(
        viewport={"width": int(width), "height": 2200}, color_scheme=scheme
    )
    context.set_default_timeout(PATIENCE_MS)
    yield f"{scheme}-{width}", context.new_page()
    context.close()


def test_pages_can_be_looked_at_in_light_and_dark_wide_and_narrow(
    server: Server,
    busy_server: Server,
    judge_server: Server,
    empty_server: Server,
    look: tuple[str, Page],
    pictures: Path,
) -> None:
    name, page = look
    links = {title: f"{server.url}/{link}" for title, link in PAGES.items()}
    links |= {title: f"{busy_server.url}/{link}" for title, link in BUSY_PAGES.items()}
    links |= {title: f"{judge_server.url}/{link}" for title, link in JUDGE_PAGES.items()}
    links["first-minute"] = empty_server.url
    for title, link in links.items():
        open_page(page, link)
        page.screenshot(path=pictures / f"{title}-{name}.png")
        assert sideways(page) <= 0, f"{title} has to be scrolled sideways at {name}"
        too_wide = page.locator(".scroll").evaluate_all(
            "places => places.filter(one => one.clientWidth && one.scrollWidth > one.clientWidth)"
            ".map(one => one.textContent.slice(0, 80))"
        )
        assert not too_wide, f"tables of {title} have to be scrolled sideways at {name}"


@pytest.mark.parametrize("title", PAGES)
def test_axe_finds_nothing_serious(server: Server, page: Page, title: str) -> None:
    open_page(page, f"{server.url}/{PAGES[title]}")
    assert_nothing_serious(page)


@pytest.mark.parametrize("title", BUSY_PAGES)
def test_axe_finds_nothing_serious_about_pipelines(
    busy_server: Server, page: Page, title: str
) -> None:
    open_page(page, f"{busy_server.url}/{BUSY_PAGES[title]}")
    assert_nothing_serious(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_in_the_dark(
    server: Server, busy_server: Server, browser: Browser, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 2200}, color_scheme="dark")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    links = [f"{server.url}/{link}" for link in PAGES.values()]
    links += [f"{busy_server.url}/{link}" for link in BUSY_PAGES.values()]
    for link in links:
        open_page(page, link)
        assert_nothing_serious(page)
    context.close()


def test_the_most_important_button_can_be_read_in_light_and_dark(
    empty_server: Server, look: tuple[str, Page]
) -> None:
    name, page = look
    open_page(page, empty_server.url)
    button = page.get_by_role("button", name="Look at the demo's stages")
    for state in ("at rest", "pointed at"):
        colours = button.evaluate(
            "button => [getComputedStyle(button).color, getComputedStyle(button).backgroundColor]"
        )
        assert _contrast(*colours) >= 4.5, f"{state} in {name}: {colours}"
        button.hover()
        page.wait_for_timeout(500)  # it changes its colour slowly


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two opaque colours (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("title", JUDGE_PAGES)
def test_axe_finds_nothing_serious_about_detectors(
    judge_server: Server, page: Page, title: str
) -> None:
    open_page(page, f"{judge_server.url}/{JUDGE_PAGES[title]}")
    assert_nothing_serious(page)


def test_axe_finds_nothing_serious_where_nothing_is(empty_server: Server, page: Page) -> None:
    open_page(page, empty_server.url)
    assert_nothing_serious(page)
