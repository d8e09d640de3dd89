"""A judge is brought, measured, made, and put to work, through the browser and a real worker."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.pipeline.keeping import Keeper
from grice_core.store import data_sets
from tests.app.conftest import Server
from tests.app.driving import open_page
from tests.app.judges import Judge, write_judge
from tests.detector import tiny

pytestmark = pytest.mark.stack
LONG_MS = 240_000
"""A worker, or a command, that has to load torch on a machine that does other work."""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return write_judge(tmp_path_factory.mktemp("judge"))


@pytest.fixture(scope="module")
def detector(whole_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A detector of the store; returns its id as links write it."""
    folder = tiny.write_heads(tmp_path_factory.mktemp("detectors") / "small judge")
    studio = whole_server.studio
    return str(Keeper(studio.database, studio.artifacts).keep_detector(folder).id)


def test_a_checkpoint_is_imported_with_remarks_and_measured(
    whole_server: Server, page: Page, judge: Judge
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector_view=Import")
    files = page.locator("input[type=file]")
    files.nth(0).set_input_files(judge.checkpoint)
    files.nth(1).set_input_files(judge.temperatures)
    page.get_by_label("Its encoder").fill(str(judge.encoder))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page).to_have_url(re.compile(r"detector=\d+"), timeout=LONG_MS)

    remark = "The temperature of quantity and relation is exactly 0.1"
    expect(page.get_by_text(remark)).to_be_visible()

    page.get_by_role("radio", name="Evaluate").click()
    page.locator("input[type=file]").set_input_files(judge.labels)
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_text("Measured")).to_be_visible(timeout=LONG_MS)

    page.get_by_role("radio", name="Card").click()
    expect(page.get_by_text("How well it judges 80 labelled texts")).to_be_visible()
    expect(page.get_by_text("A weak judge of")).to_be_visible()
    expect(page.get_by_text("Is what it calls 70 % likely")).to_be_visible()


def test_a_damaged_checkpoint_gets_a_sentence(
    whole_server: Server, page: Page, judge: Judge, tmp_path: Path
) -> None:
    (tmp_path / "half.pt").write_bytes(judge.checkpoint.read_bytes()[:999])
    open_page(page, f"{whole_server.url}/detector?detector_view=Import")
    files = page.locator("input[type=file]")
    files.nth(0).set_input_files(tmp_path / "half.pt")
    files.nth(1).set_input_files(judge.temperatures)
    page.get_by_label("Its encoder").fill(str(judge.encoder))

    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("half.pt", timeout=LONG_MS)


def test_unscored_pairs_become_scored_by_a_queued_run(
    whole_server: Server, page: Page, detector: str
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector={detector}&detector_view=Score&data=1")

    page.get_by_role("button", name="Score 20 pairs").click()
    page.get_by_role("link", name="Look at the scored pairs").click(timeout=LONG_MS)

    expect(page.get_by_text("20 usable of 20 rows, all scored.")).to_be_visible()
    newest = data_sets.page(whole_server.studio.database)[0]
    assert newest.name == "unscored, scored by small judge"


def test_a_small_detector_is_trained_as_a_queued_run(
    whole_server: Server, page: Page, judge: Judge, detector: str
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector={detector}&detector_view=Make")
    page.locator("input[type=file]").set_input_files(judge.labels)
    page.get_by_label("Name of the new detector").fill("my small one")
    page.get_by_label("Encoder to start from").fill(str(judge.encoder))

    page.get_by_role("button", name="Put into the queue").click()

    page.get_by_role("link", name="Look at the detector").click(timeout=LONG_MS)
    expect(page.get_by_role("combobox", name="Detector")).to_have_value(
        re.compile("my small one"), timeout=LONG_MS
    )


def test_two_detectors_are_compared_on_the_same_labels(
    whole_server: Server, page: Page, judge: Judge, detector: str, tmp_path: Path
) -> None:
    folder = tiny.write_heads(tmp_path / "another judge", tiny.TWO_PER_HEAD)
    studio = whole_server.studio
    other = Keeper(studio.database, studio.artifacts).keep_detector(folder).id
    link = f"detector={detector}&against={other}&detector_view=Compare"
    open_page(page, f"{whole_server.url}/detector?{link}")
    expect(page.get_by_text("not been measured on the same labels")).to_be_visible()

    page.locator("input[type=file]").set_input_files(judge.labels)
    page.get_by_role("button", name="Measure both").click()

    expect(page.get_by_text("F1 on the same 80 labelled texts")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("row", name=re.compile("^manner"))).to_be_visible()
