"""What a new user does first, on the real pairs where they are there, with pictures to look at."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.studio import Studio
from app.wording import number, signed
from grice_core.data.explore import conflict_counts
from grice_core.data.leakage import leaking
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.maxims import Maxim
from grice_core.pipeline.keeping import Keeper
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.summary import StagesSummary, summarise
from grice_core.settings import Settings
from grice_core.store import data_sets
from tests.app.conftest import Server, free_port, serve
from tests.app.driving import open_page, set_number, settle, upload
from tests.app.gricebench import Gricebench, gricebench
from tests.app.samples import pair_rows

pytestmark = pytest.mark.stack

Picture = Callable[[Page, str], None]
MANNER = "stage2.filter.manner.above"
SUM = "stage1.filter.sum too small.above"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Gricebench:
    return gricebench(tmp_path_factory.mktemp("gricebench"))


@pytest.fixture(scope="module")
def pairs(files: Gricebench) -> PairTable:
    return load_pairs(files.scored).table


@pytest.fixture(scope="module")
def bench_server(files: Gricebench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with the scored pairs (data set 1) and the unscored ones (data set 2)."""
    home = tmp_path_factory.mktemp("bench")
    studio = Studio.open(Settings(home=home))
    keeper = Keeper(studio.database, studio.artifacts)
    keeper.keep_pairs(files.scored, files.scored.name)
    keeper.keep_pairs(files.unscored, files.unscored.name)
    yield from serve(home, free_port(), "app.serve")


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
        expect(section.locator(".why tr.last")).to_contain_text(f"{stage.kept:,}")
        for reason, count in stage.dropped.items():
            row = section.locator(".why").get_by_role("row", name=re.compile(f"^{reason} "))
            expect(row).to_contain_text(f"{count:,}")
        for maxim, margin in stage.margins.items():
            assert margin.mean is not None
            assert margin.std is not None
            row = section.locator(".learned").get_by_role("row", name=re.compile(f"^{maxim} "))
            expect(row).to_contain_text(f"{signed(margin.mean)} ± {number(margin.std)}")
    (shared,) = summary.overlap.values()
    expect(page.get_by_text(f"stage1 and stage2 share {shared:,} pair")).to_be_visible()


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
    expect(page.get_by_text("You have this already, as “scored_pairs.json”.")).to_be_visible()

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

    # The slider, by key; Streamlit takes what comes quickly as one move or as several.
    slider = page.get_by_role("slider", name="manner >")
    for _ in range(10):
        slider.press("ArrowLeft")
    expect_board(page, tenth)
    expect(page.locator(".cut-label").get_by_text("0.10", exact=True)).to_have_count(2)

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
    for _ in range(10):
        if undo.is_enabled():
            undo.click()
            settle(page)
    expect_board(page, begun)


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


BROKEN: dict[str, Callable[[Gricebench], bytes]] = {
    "half.parquet": lambda _: b"PAR1" + bytes(5000),
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
    """Scored pairs of which only the first few differ in manner by more than the guide asks for."""
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
