"""The first thing that a newcomer does, as `make run` serves it: the whole demo, from one button to a verdict.

How long Launch said that it takes, and how long it took, is written beside the pictures.
"""

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from grice_core.store import pipelines, runs
from grice_core.store.states import RunKind, RunState
from tests.app.conftest import PATIENCE_MS, Picture, Server, free_port, serve
from tests.app.driving import open_page, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.stack

LONG_MS = 15 * PATIENCE_MS
ESTIMATE = re.compile(r"([\d,]+) optimizer steps, ([\d,]+) answers: about (\d+) (s|min)")


@contextmanager
def running(home: Path) -> "Iterator[Server]":
    """What `make run` starts, until the block ends."""
    yield from serve(home, free_port(), "app")


def test_from_one_button_to_a_verdict_that_outlasts_a_restart(
    page: Page, tmp_path: Path, picture: Picture, pictures: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with running(home) as house:
        open_page(page, house.url)
        picture(page, "one-click-welcome")
        page.get_by_role("button", name="Look at the demo's stages").click()
        stages = page.get_by_role("heading", name="Stages", level=1)
        expect(stages).to_be_visible(timeout=LONG_MS)  # the detector scores all pairs first
        page.get_by_role("link", name="Launch with these stages").click()

        told = page.get_by_text(ESTIMATE)
        expect(told).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_text("Measured for these settings")).to_be_visible()
        settle(page)
        picture(page, "one-click-launch")
        said_s = seconds_said(told.inner_text())
        page.get_by_role("button", name="Launch", exact=True).click()

        expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
        curves_move(page, picture)
        done = page.get_by_test_id("stMain").get_by_role(
            "heading", level=3, name=re.compile("^done")
        )
        expect(done).to_be_visible(timeout=LONG_MS)
        picture(page, "one-click-done")
        taken_s = seconds_taken(house)
        figures = {"said_s": said_s, "taken_s": round(taken_s, 1), "ratio": said_s / taken_s}
        (pictures / "one-click-estimate.json").write_text(json.dumps(figures))

        page.get_by_role("link", name="Compare the results").click()
        expect_verdict(page)
        picture(page, "one-click-compare")
        page.reload()
        expect_verdict(page)

    with running(home) as again:
        open_page(page, f"{again.url}/compare?pipeline=1")
        expect_verdict(page)
        open_page(page, f"{again.url}/runs?pipeline=1")
        expect(done).to_be_visible()
        expect(page.get_by_text("Should fall, noisily")).to_be_visible()
        open_page(page, again.url)
        expect(page.get_by_text("Verdict: met").first).to_be_visible()
        picture(page, "one-click-again")


def seconds_said(line: str) -> int:
    found = ESTIMATE.search(line)
    assert found is not None
    return int(found[3]) * (60 if found[4] == "min" else 1)


def curves_move(page: Page, picture: Picture) -> None:
    """While one watches, the line of the loss gets longer."""
    line = page.locator(".js-plotly-plot").first.locator(".scatterlayer .js-line").first
    expect(line).to_be_attached(timeout=LONG_MS)
    before = line.get_attribute("d") or ""
    expect(line).not_to_have_attribute("d", before)
    picture(page, "one-click-running")


def seconds_taken(house: Server) -> float:
    """From the first run's beginning to the last one's end."""
    (found,) = pipelines.page(house.studio.database)
    chain = runs.of_pipeline(house.studio.database, found.pipeline.id)
    assert {run.state for run in chain} == {RunState.SUCCEEDED}
    assert chain[0].kind is RunKind.SCORE
    return (chain[-1].finished_at or 0.0) - (chain[0].started_at or 0.0)


def expect_verdict(page: Page) -> None:
    """Met, with the table of the three models."""
    expect(page.get_by_role("heading", name="Verdict: met")).to_be_visible()
    titles = ["", "baseline", "Stage 1", "Stage 2", "change"]
    expect(page.locator("table").first.locator("th")).to_have_text(titles)
    expect(page.locator("table").first.locator("tbody tr")).to_have_count(5)
