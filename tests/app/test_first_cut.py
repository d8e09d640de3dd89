"""What a new user's thresholds keep of the real pairs, where they are there: told at once, and in time."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.text.formatting import number, signed
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.maxims import Maxim
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.summary import StagesSummary, summarise
from grice_core.registry import Keeper
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page, set_number, settle
from tests.app.gricebench import Gricebench
from tests.app.samples import pair_rows

pytestmark = pytest.mark.stack
MANNER = "stage2.filter.manner.above"
SUM = "stage1.filter.sum too small.above"


def planned(pairs: PairTable, *overrides: str) -> StagesSummary:
    """What the stages of the default recipe keep, according to the core."""
    plan = plan_stages(load_recipe("content-then-manner", overrides), pairs, seed=0)
    return summarise({stage.config.name: stage.filtered for stage in plan}, pairs.margins)


def kept(summary: StagesSummary) -> list[int]:
    return [stage.kept for stage in summary.stages]


def expect_board(page: Page, summary: StagesSummary) -> None:
    """Everything on the board says what the core says: answer, waterfall, means, overlap."""
    for index, stage in enumerate(summary.stages):
        answer = re.compile(rf"^keeps {stage.kept:,} of {summary.num_pairs:,}")
        expect(page.get_by_text(answer)).to_be_visible()
        section = page.locator("section.stage").nth(index)
        reasons = [f"{reason} {count:,}" for reason, count in stage.dropped.items()]
        expect(section.locator(".why li")).to_have_text([*reasons, f"kept {stage.kept:,}"])
        for maxim, margin in stage.margins.items():
            assert margin.mean is not None
            assert margin.std is not None
            panel = section.locator(".panel", has=page.get_by_text(maxim, exact=True))
            mean = f"mean {signed(margin.mean)} ± {number(margin.std)}"
            expect(panel.locator(".mean")).to_contain_text(mean)
    (shared,) = summary.overlap.values()
    expect(page.get_by_text(f"Stage 1 and Stage 2 share {shared:,} pair")).to_be_visible()


def test_stages_are_cut_undone_and_shared(
    bench_server: Server,
    page: Page,
    browser: Browser,
    files: Gricebench,
    pairs: PairTable,
    picture: Picture,
) -> None:
    begun, tenth, twentieth, strict = (
        planned(pairs),
        planned(pairs, f"{MANNER}=0.1"),
        planned(pairs, f"{MANNER}=0.05"),
        planned(pairs, f"{MANNER}=0.05", f"{SUM}=1.0"),
    )
    if files.is_real:
        assert [kept(one)[1] for one in (begun, tenth, twentieth)] == [231, 504, 883]
        assert [kept(one)[0] for one in (begun, strict)] == [194, 58]
    open_page(page, f"{bench_server.url}/stages?data=1")
    expect_board(page, begun)
    picture(page, "cut-begun")

    # The line, by key; what comes quickly is one move or several.
    slider = page.get_by_role("slider", name="manner >")
    for _ in range(10):
        slider.press("ArrowLeft")
    expect_board(page, tenth)
    expect(page.locator(".cut-label").get_by_text("0.10", exact=True)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"above%3D0\.1$"))  # the server was told, too
    settle(page)

    set_number(page, "manner >", "0.05")
    expect_board(page, twentieth)
    set_number(page, "quantity + relation >", "1.00")
    expect_board(page, strict)
    expect(page.locator(".cut-label").get_by_text("1.00", exact=True)).to_be_visible()
    settle(page)
    picture(page, "cut-moved")

    other = browser.new_context()
    elsewhere = other.new_page()
    open_page(elsewhere, page.url)
    expect_board(elsewhere, strict)
    other.close()

    undo = page.get_by_role("button", name="Undo")
    undo.click()
    expect_board(page, twentieth)
    undo.click()
    expect_board(page, tenth)
    while undo.is_enabled():
        link = page.url
        undo.click()
        expect(page).not_to_have_url(link)
        settle(page)
    expect_board(page, begun)


def test_thresholds_that_keep_almost_nothing_are_seen_before_launch(
    bench_server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    rows = weak_manner_rows(2_496, num_strong=3)
    path = tmp_path / "original.json"
    path.write_text(json.dumps(rows))
    studio = bench_server.studio
    data_set = Keeper(studio.database, studio.artifacts).keep_pairs(path, path.name)
    table = load_pairs(path).table
    open_page(page, f"{bench_server.url}/stages?data={data_set.id}")

    expect(page.get_by_text("keeps 3 of 2,496 (0.1 %)")).to_be_visible()
    expect(page.get_by_text("too few to train on")).to_be_visible()
    expect(page.get_by_text("training would be refused")).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"Move manner alone, from 0\.20 to 0\.\d\d"))
    ).to_be_visible()
    steps = page.get_by_role("button", name=re.compile(r"^0\.\d\d → \d"))
    told = [step.inner_text().split(" → ") for step in steps.all()]
    assert len(told) > 1
    for value, count in told:
        assert kept(planned(table, f"{MANNER}={value}"))[1] == int(count.replace(",", ""))
    picture(page, "too-few")

    page.get_by_role("link", name="Launch with these stages").click()
    expect(page.get_by_role("heading", name="Launch", level=1)).to_be_visible()
    expect(page.get_by_text("training would be refused").first).to_be_visible()
    settle(page)
    picture(page, "too-few-launch")


def weak_manner_rows(num: int, num_strong: int) -> Sequence[dict[str, object]]:
    """Scored pairs of which only the first few differ in manner by more than the default recipe asks for."""
    rows = pair_rows(num, seed=5)
    rng = np.random.default_rng(6)
    for index, row in enumerate(rows):
        margin = 0.3 if index < num_strong else float(np.clip(rng.normal(0, 0.05), -0.19, 0.19))
        for maxim in (Maxim.QUANTITY, Maxim.RELATION):
            if index < num_strong:
                row["chosen_scores"][maxim] = row["rejected_scores"][maxim] = 0.5
        row["chosen_scores"][Maxim.MANNER] = round(0.5 - margin / 2, 4)
        row["rejected_scores"][Maxim.MANNER] = round(0.5 + margin / 2, 4)
    return rows
